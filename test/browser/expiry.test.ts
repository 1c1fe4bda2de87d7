// The end of an access token, by a clock that stands still until the test moves it: however long the machine takes, no more
// time has passed.
import t from 'tap';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { setUp } from './support/scripted-client.js';
import { refusal, tokens } from './support/scripted-server.js';

const { now: machineTime } = Date;
let nowMs = machineTime();
Date.now = () => nowMs;
t.teardown(() => {
  Date.now = machineTime;
});

function pass(seconds: number): void {
  nowMs += seconds * 1000;
}

const eventually = (condition: () => boolean | Promise<boolean>) =>
  until(condition, eventuallyMilliseconds, () => `it did not happen: ${condition}`);

t.test('half a minute before expiry the token is replaced, and not before', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token', tokens(900));
  server.on('/token/refresh', tokens());
  await auth.login({ username: 'ada', password: 'secret' });
  const first = await auth.getAccessToken();
  pass(869);
  t.equal(await auth.getAccessToken(), first);
  t.equal(server.countOf('/token/refresh'), 0);
  pass(2);
  await eventually(async () => (await auth.getAccessToken()) !== first);
  t.match(await auth.getAccessToken(), /^token-/);
  t.equal(server.countOf('/token/refresh'), 1);
});

t.test('a short-lived token is replaced in the last tenth of its life', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token', tokens(30));
  server.on('/token/refresh', tokens());
  await auth.login({ username: 'ada', password: 'secret' });
  const first = await auth.getAccessToken();
  pass(26);
  t.equal(await auth.getAccessToken(), first);
  t.equal(server.countOf('/token/refresh'), 0);
  pass(2);
  await eventually(async () => (await auth.getAccessToken()) !== first);
});

t.test('while the server is away, a token that is still valid serves', async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token', tokens(900));
  server.on('/token/refresh', refusal(503, 'temporarily_unavailable'));
  await auth.login({ username: 'ada', password: 'secret' });
  const first = await auth.getAccessToken();
  pass(899);
  t.equal(await auth.getAccessToken(), first);
  await eventually(() => server.countOf('/token/refresh') > 0);
  t.match(states, [{ status: 'signed_in' }]);
  server.on('/token/refresh', tokens());
  await new Promise<void>((resolve) => auth.onChange(() => resolve()));
});
