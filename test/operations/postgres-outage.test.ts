import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Answer } from '../support/http-client.js';
import { until } from '../support/leash.js';
import { needs, privatePostgres, runSql, testDatabase } from '../support/services.js';
import { StallingProxy } from '../support/stalling-proxy.js';
import { claimsOf, startWorld, type World } from '../support/world.js';

/** Every endpoint that cannot do without the database. */
function requests(
  world: World,
  refreshToken: string,
  accessToken: string,
): [string, () => Promise<Answer>][] {
  const { server } = world;
  return [
    ['login', () => world.login()],
    ['refresh', () => world.refresh(refreshToken)],
    ['revocation', () => world.revoke(refreshToken)],
    ['introspection', () => server.introspect(accessToken, world.serviceHeaders)],
    ['own sessions', () => server.get('/sessions', { authorization: `Bearer ${accessToken}` })],
  ];
}

async function expectUnavailable(t: Test, world: World, refreshToken: string, accessToken: string) {
  for (const [name, send] of requests(world, refreshToken, accessToken)) {
    const startedAt = Date.now();
    const answer = await send();
    const milliseconds = Date.now() - startedAt;
    t.equal(answer.status, 503, `${name} is 503`);
    t.equal(answer.body.error, 'temporarily_unavailable', `${name} says for how long tokens stay good`);
    t.ok(Number(answer.headers.get('retry-after')) >= 1, `${name} says when to try again`);
    t.ok(milliseconds < 4_500, `${name} took ${milliseconds} ms`);
  }
}

function isReady(world: World): Promise<boolean> {
  return world.server.get('/health/ready').then(({ status }) => status === 200);
}

t.test('PostgreSQL goes and comes back', needs('private postgres'), async (t) => {
  const postgres = await privatePostgres(t);
  const DATABASE_URL = await testDatabase(t, { on: postgres });
  const world = await startWorld(t, { settings: { DATABASE_URL } });
  const { access_token, refresh_token } = (await world.login()).body;

  await postgres.kill();
  // Clients are remembered for a second.
  await sleep(1_100);
  await t.test('503, with Retry-After, at once: never a reason to throw tokens away', (t) =>
    expectUnavailable(t, world, refresh_token, access_token),
  );
  await t.test('what needs no database goes on', async (t) => {
    t.equal((await world.server.get('/health/live')).status, 200);
    t.equal((await world.server.get('/.well-known/jwks.json')).status, 200);
    const ready = await world.server.get('/health/ready');
    t.equal(ready.status, 503);
    t.same(ready.body.failures, ['database']);
  });

  await postgres.start();
  await until(
    () => isReady(world),
    5_000,
    () => 'not ready again',
  );
  await t.test('it recovers by itself, and nothing was half done', async (t) => {
    const refreshed = await world.refresh(refresh_token);
    t.equal(refreshed.status, 200);
    const [session] = await runSql(DATABASE_URL, 'SELECT generation, revoked_at FROM sessions');
    t.match(session, { generation: 1, revoked_at: null });
    t.same(await runSql(DATABASE_URL, 'SELECT count(*)::int AS n FROM sessions'), [{ n: 1 }]);
    t.equal((await world.refresh(refreshed.body.refresh_token)).status, 200);
  });
});

t.test('PostgreSQL falls silent, its connections open', needs('postgres'), async (t) => {
  const { proxy, url } = await StallingProxy.start(t, await testDatabase(t));
  const world = await startWorld(t, { settings: { DATABASE_URL: url } });
  const { access_token, refresh_token } = (await world.login()).body;
  proxy.stall();
  await sleep(1_100);
  await expectUnavailable(t, world, refresh_token, access_token);
  proxy.resume();
  await until(
    () => isReady(world),
    10_000,
    () => 'not ready again',
  );
  t.equal((await world.login()).status, 200);
});

t.test('a refresh whose statement outlived the answer is a retry', needs('postgres'), async (t) => {
  const DATABASE_URL = await testDatabase(t);
  const world = await startWorld(t, { settings: { DATABASE_URL } });
  const { refresh_token } = (await world.login()).body;
  const blocked = runSql(
    DATABASE_URL,
    'BEGIN; SELECT FROM sessions FOR UPDATE; SELECT pg_sleep(4.5); COMMIT',
  );
  await sleep(200);
  const answer = await world.refresh(refresh_token);
  t.equal(answer.status, 503);
  await blocked;
  const retried = await world.refresh(refresh_token);
  t.equal(retried.status, 200);
  const again = await world.refresh(retried.body.refresh_token);
  t.equal(again.status, 200, 'and its successor is the only one');
  t.equal(claimsOf(again.body.access_token).sid, claimsOf(retried.body.access_token).sid);
});
