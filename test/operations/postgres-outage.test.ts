import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import t, { type Test } from 'tap';
import type { Answer } from '../support/http-client.js';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { needs, privatePostgres, runSql, testDatabase } from '../support/services.js';
import { StallingProxy } from '../support/stalling-proxy.js';
import { atBest, quickest } from '../support/undisturbed.js';
import { startWorld, type World } from '../support/world.js';

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
    const { result: answer, milliseconds } = await quickest(send, 4_500);
    t.equal(answer.status, 503, `${name} is 503`);
    t.equal(answer.body.error, 'temporarily_unavailable', `${name} says for how long tokens stay good`);
    t.ok(Number(answer.headers.get('retry-after')) >= 1, `${name} says when to try again`);
    t.ok(milliseconds < 4_500, `${name} took ${milliseconds} ms`);
  }
}

function readyAgain({ server }: World): Promise<void> {
  const isReady = () => server.get('/health/ready').then(({ status }) => status === 200);
  return until(isReady, eventuallyMilliseconds, () => 'not ready again');
}

t.test('PostgreSQL goes and comes back', needs('private postgres'), async (t) => {
  const postgres = await privatePostgres(t);
  const DATABASE_URL = await testDatabase(t, { on: postgres });
  const world = await startWorld(t, { settings: { DATABASE_URL } });
  const { access_token, refresh_token } = (await world.login()).body;
  const metadata = () => world.server.get('/.well-known/oauth-authorization-server');
  const { body: before } = await metadata();

  await postgres.kill();
  // Clients are remembered for a second.
  await sleep(1_100);
  await t.test('503, with Retry-After, at once: never a reason to throw tokens away', (t) =>
    expectUnavailable(t, world, refresh_token, access_token),
  );
  await t.test('what needs no database goes on', async (t) => {
    t.equal((await world.server.get('/health/live')).status, 200);
    const fromPage = await world.server.get('/health/live', { origin: 'https://elsewhere.example' });
    t.equal(fromPage.status, 200, 'whoever asks');
    t.equal((await world.server.get('/.well-known/jwks.json')).status, 200);
    t.match(await metadata(), { status: 200, body: before });
    const ready = await world.server.get('/health/ready');
    t.equal(ready.status, 503);
    t.same(ready.body.failures, ['database']);
  });

  await postgres.start();
  await readyAgain(world);
  await t.test('it recovers by itself, and nothing was half done', async (t) => {
    const refreshed = await world.refresh(refresh_token);
    t.equal(refreshed.status, 200);
    const [session] = await runSql(DATABASE_URL, 'SELECT generation, revoked_at FROM sessions');
    t.match(session, { generation: 1, revoked_at: null });
    t.same(await runSql(DATABASE_URL, 'SELECT count(*)::int AS n FROM sessions'), [{ n: 1 }]);
    t.equal((await world.refresh(refreshed.body.refresh_token)).status, 200);
  });
});

t.test('PostgreSQL becomes a standby that only reads', needs('postgres'), async (t) => {
  const DATABASE_URL = await testDatabase(t);
  const world = await startWorld(t, { settings: { DATABASE_URL } });
  const { refresh_token } = (await world.login()).body;
  const readOnly = (value: string) =>
    runSql(
      DATABASE_URL,
      `SET TRANSACTION READ WRITE;
       DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ${value}', current_database()); END $$;
       SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  await readOnly('on');
  t.match(await world.refresh(refresh_token), { status: 503, body: { error: 'temporarily_unavailable' } });
  t.match(await world.login(), { status: 503, body: { error: 'temporarily_unavailable' } });
  await readOnly('off');
  // The connections of before break one by one, and each is a request's 503.
  let refreshed = await world.refresh(refresh_token);
  const isServed = async () => {
    if (refreshed.status === 503) refreshed = await world.refresh(refresh_token);
    return refreshed.status !== 503;
  };
  await until(isServed, eventuallyMilliseconds, () => 'still read-only');
  t.equal(refreshed.status, 200, 'nothing was lost');
});

t.test('PostgreSQL falls silent, its connections open', needs('postgres'), async (t) => {
  const { proxy, url } = await StallingProxy.start(t, await testDatabase(t));
  const world = await startWorld(t, { settings: { DATABASE_URL: url } });
  const { access_token, refresh_token } = (await world.login()).body;
  proxy.stall();
  await sleep(1_100);
  await expectUnavailable(t, world, refresh_token, access_token);
  proxy.resume();
  await readyAgain(world);
  t.equal((await world.login()).status, 200);
});

t.test(
  'a refresh that waited in vain is over when it is answered, and may be repeated',
  needs('postgres'),
  async (t) => {
    const DATABASE_URL = await testDatabase(t);
    const world = await startWorld(t, { settings: { DATABASE_URL } });
    const { refresh_token } = (await world.login()).body;
    const holder = new pg.Client({ connectionString: DATABASE_URL });
    await holder.connect();
    try {
      await holder.query('BEGIN; SELECT FROM sessions FOR UPDATE');
      const waitInVain = async () => {
        const { status } = await world.refresh(refresh_token);
        const { rows } = await holder.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return { status, waiting: rows.length };
      };
      const { status, waiting } = await atBest(waitInVain, (measured) => measured.waiting === 0);
      t.equal(status, 503);
      t.equal(waiting, 0, 'nothing waits for the lock any more');
      await holder.query('COMMIT');
    } finally {
      await holder.end();
    }
    await sleep(200);
    t.match(await runSql(DATABASE_URL, 'SELECT generation, rotated_at FROM sessions'), [{ generation: 0 }]);
    t.equal((await world.refresh(refresh_token)).status, 200);
  },
);
