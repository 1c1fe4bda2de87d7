// The browser library against scripted servers, on Node.js: no Web Locks, no BroadcastChannel, one tab.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { AuthError } from '../../src/browser/index.js';
import { persistently } from '../support/stalls.js';
import { setUp } from './support/scripted-client.js';
import { refusal, scriptedServer, tokens } from './support/scripted-server.js';

// Most of it is waiting.
t.jobs = 16;

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

t.test('a login sends the form and the header, and keeps the access token', async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token', tokens());
  await auth.login({ username: 'ada', password: 'p&ss=wörd', scope: 'a b' });
  const [login] = server.received;
  t.same(Object.fromEntries(login?.form ?? []), {
    grant_type: 'password',
    username: 'ada',
    password: 'p&ss=wörd',
    scope: 'a b',
    client_id: 'shop',
  });
  t.equal(login?.headers['keyturn-request'], '1');
  t.match(login?.headers['content-type'], 'application/x-www-form-urlencoded');
  t.match(await auth.getAccessToken(), /^token-/);
  t.match(states, [{ status: 'signed_in', scope: 'a', expiresAt: Number }]);
  t.equal(server.received.length, 1, 'a valid token is not refreshed');
});

t.test('a wrong password is an error and changes nothing', async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token', refusal(400, 'invalid_grant', { error_description: 'Wrong user name or password' }));
  const error = await failure(auth.login({ username: 'ada', password: 'no' }));
  t.ok(error instanceof AuthError);
  t.match(error, { error: 'invalid_grant', status: 400, temporary: false, message: /Wrong/ });
  t.same(states, []);
});

t.test('a page that was just loaded asks the cookie, once for all callers', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token/refresh', tokens());
  const found = await Promise.all([1, 2, 3, 4].map(() => auth.getAccessToken()));
  t.equal(new Set(found).size, 1);
  t.equal(server.countOf('/token/refresh'), 1);
  t.same(Object.fromEntries(server.received[0]?.form ?? []), { client_id: 'shop' });
});

t.test(
  'no session, and every end of one, is told with its reason, and the server is not asked again',
  async (t) => {
    const ends = [
      [refusal(400, 'invalid_grant', { reason: 'reused' }), 'reused'],
      [refusal(400, 'invalid_grant', { reason: 'expired' }), 'expired'],
      [refusal(400, 'invalid_grant'), 'none'],
      [refusal(401, 'invalid_client'), 'none'],
    ] as const;
    for (const [answer, reason] of ends) {
      const { server, auth, states } = await setUp(t);
      server.on('/token/refresh', answer);
      t.equal(await auth.getAccessToken(), undefined);
      t.equal(await auth.getAccessToken(), undefined);
      t.same(states, [{ status: 'signed_out', reason }]);
      t.equal(server.received.length, 1);
    }
  },
);

t.test('no failure on the way ends a session', async (t) => {
  const failures = {
    '503': refusal(503, 'temporarily_unavailable'),
    '429': refusal(429, 'slow_down'),
    '500': refusal(500, 'server_error'),
    "a proxy's error page": { status: 502, text: '<html>' },
    "a proxy's 401": { status: 401, json: { message: 'who are you?' } },
    'a captive portal': { status: 200, text: '<html>welcome</html>' },
    'a captive portal with JSON': { status: 200, json: { welcome: true } },
  };
  for (const [name, failure] of Object.entries(failures)) {
    const { server, auth, states } = await setUp(t);
    server.on('/token/refresh', failure, tokens());
    t.match(await auth.getAccessToken(), /^token-/, name);
    t.match(states, [{ status: 'signed_in' }], name);
  }
});

t.test("a refused refresh that is nobody's end is an error, and the session stands", async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token/refresh', refusal(403, 'access_denied'), tokens());
  t.match(await failure(auth.getAccessToken()), { error: 'access_denied', temporary: false });
  t.same(states, []);
  t.match(await auth.getAccessToken(), /^token-/);
});

t.test('a hanging request is aborted and sent again', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token/refresh', 'hang', tokens());
  t.match(await auth.getAccessToken().catch(() => auth.getAccessToken()), /^token-/);
  t.equal(server.countOf('/token/refresh'), 2);
});

t.test('a server that stays away is told as temporary, and waited for in the background', async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token/refresh', {
    status: 503,
    headers: { 'Retry-After': '1' },
    json: { error: 'temporarily_unavailable' },
  });
  t.match(await failure(auth.getAccessToken()), { temporary: true, retryAfterSeconds: 1 });
  t.same(states, []);
  server.on('/token/refresh', tokens());
  await new Promise<void>((resolve) => auth.onChange(() => resolve()));
  t.match(states, [{ status: 'signed_in' }]);
});

t.test('after an outage a caller does not wait for the next attempt in the background', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token/refresh', refusal(503, 'temporarily_unavailable'));
  const during = failure(auth.getAccessToken());
  // After the fifth failure the pause is 6.4 s at least, and callers wait for 2 s: only a pause cut short can serve one.
  while (server.countOf('/token/refresh') < 5) await sleep(50);
  await sleep(2_500);
  t.equal(server.countOf('/token/refresh'), 5, 'the next attempt is not due');
  server.on('/token/refresh', tokens());
  t.match(await persistently(() => auth.getAccessToken()), /^token-/);
  await during;
});

t.test(
  'fetch adds the access token, refreshes once on 401, and sends the request again with its body',
  async (t) => {
    const { server, auth } = await setUp(t);
    const api = await scriptedServer();
    t.teardown(api.close);
    server.on('/token', tokens());
    server.on('/token/refresh', tokens());
    api.on('/things', { status: 401 }, { text: 'done' });
    await auth.login({ username: 'ada', password: 'secret' });
    const response = await auth.fetch(`${api.url}/things`, {
      method: 'POST',
      body: new URLSearchParams({ a: '1' }),
    });
    t.equal(await response.text(), 'done');
    const [first, second] = api.received;
    t.match(first?.headers.authorization, /^Bearer token-/);
    t.match(second?.headers.authorization, /^Bearer token-/);
    t.not(first?.headers.authorization, second?.headers.authorization);
    t.equal(second?.form.get('a'), '1');
    t.notOk(second?.headers['keyturn-request'], 'nothing else is added');
  },
);

t.test('fetch gives back a second 401, and asks once for many', async (t) => {
  const { server, auth } = await setUp(t);
  const api = await scriptedServer();
  t.teardown(api.close);
  server.on('/token/refresh', tokens(), tokens());
  api.on('/things', { status: 401 });
  const responses = await Promise.all([1, 2, 3, 4, 5].map(() => auth.fetch(`${api.url}/things`)));
  t.same(new Set(responses.map(({ status }) => status)), new Set([401]));
  t.equal(api.countOf('/things'), 10);
  t.equal(server.countOf('/token/refresh'), 2, 'one at load, one for five refusals');
});

t.test('fetch of nobody is an ordinary fetch', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token/refresh', refusal(400, 'invalid_grant'));
  server.on('/public', { text: 'hello' });
  t.equal(await (await auth.fetch(`${server.url}/public`)).text(), 'hello');
  t.notOk(server.received.at(-1)?.headers.authorization);
});

t.test('a logout ends the session here at once, and says so when the server was not reached', async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token', tokens());
  server.on('/revoke', refusal(503, 'temporarily_unavailable'), { status: 200 });
  await auth.login({ username: 'ada', password: 'secret' });
  t.match(await failure(auth.logout()), { temporary: true });
  t.equal(await auth.getAccessToken(), undefined);
  await auth.logout();
  t.match(states.at(-1), { status: 'signed_out', reason: 'logout' });
  t.same(Object.fromEntries(server.received.at(-1)?.form ?? []), { client_id: 'shop' });
});

t.test('a logout during a refresh wins', async (t) => {
  const { server, auth, states } = await setUp(t);
  server.on('/token/refresh', tokens());
  server.on('/revoke', { status: 200 });
  const pending = auth.getAccessToken();
  await auth.logout();
  t.equal(await pending, undefined);
  t.match(states, [{ status: 'signed_out', reason: 'logout' }]);
});

t.test('a listener that was removed hears nothing', async (t) => {
  const { server, auth } = await setUp(t);
  server.on('/token', tokens());
  let heard = 0;
  const stop = auth.onChange(() => {
    heard += 1;
  });
  stop();
  await auth.login({ username: 'ada', password: 'secret' });
  t.equal(heard, 0);
});
