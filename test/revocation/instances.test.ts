/** Revocation across instances, and while Redis or PostgreSQL is away. */
import { Redis } from 'ioredis';
import t from 'tap';
import type { Answer } from '../support/http-client.js';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { needs, privatePostgres, privateRedis, testDatabase } from '../support/services.js';
import { quickest, shortest } from '../support/undisturbed.js';
import { postgresAndRedis } from '../support/variants.js';
import { claimsOf, startWorld } from '../support/world.js';

const { name, storage, options } = postgresAndRedis();

t.test(`${name}: what one instance revokes, the other refuses at once`, options, async (t) => {
  const world = await startWorld(t, { ...storage, instances: 2 });
  const second = world.server.instance(1);
  for (let round = 0; round < 20; round += 1) {
    const { body } = await world.login();
    const refreshed = await world.refresh(body.refresh_token, {}, second);
    t.equal(refreshed.status, 200, 'log in on one, refresh on the other');
    t.ok(await world.isActive(refreshed.body.access_token, second));
    await world.revoke(refreshed.body.refresh_token);
    t.notOk(await world.isActive(refreshed.body.access_token, second));
    t.equal((await world.refresh(refreshed.body.refresh_token, {}, second)).body.reason, 'revoked');
  }
});

t.test('two instances without Redis: PostgreSQL is the truth', needs('postgres'), async (t) => {
  const world = await startWorld(t, { database: 'postgres', instances: 2 });
  const second = world.server.instance(1);
  const { body } = await world.login();
  t.ok(await world.isActive(body.access_token, second));
  await world.revoke(body.access_token);
  t.notOk(await world.isActive(body.access_token, second));
});

t.test(
  'Redis is a view: flushed, restarted, hanging or away',
  needs('postgres', 'private redis'),
  async (t) => {
    const redis = await privateRedis(t);
    const world = await startWorld(t, { database: 'postgres', settings: { REDIS_URL: redis.url } });
    const { body } = await world.login();
    await world.revoke(body.access_token);
    const key = `keyturn:revoked:jti:${claimsOf(body.access_token).jti}`;
    const filledWith = (entry: string) =>
      until(
        () => has(redis.url, entry),
        eventuallyMilliseconds,
        () => `the view was not filled with ${entry}`,
      );

    await t.test('an entry expires with what it covers', async (t) => {
      await filledWith(key);
      const connection = new Redis(redis.url);
      const seconds = await connection.ttl(key);
      connection.disconnect();
      t.ok(seconds > 900 && seconds <= 935, `${seconds} s`);
    });

    await t.test('FLUSHALL un-revokes nothing, and the view fills itself again', async (t) => {
      await redis.flush();
      t.notOk(await world.isActive(body.access_token));
      await filledWith(key);
      t.pass('filled');
    });

    await t.test('so does a restart', async (t) => {
      await redis.kill();
      t.notOk(await world.isActive(body.access_token), 'while it is away');
      const { body: meanwhile } = await world.login();
      t.equal((await world.revoke(meanwhile.refresh_token)).status, 200, 'revocations go on');
      t.notOk(await world.isActive(meanwhile.access_token));
      t.equal((await world.refresh((await world.login()).body.refresh_token)).status, 200, 'and refreshes');
      await redis.start();
      await filledWith(key);
      const sid = `keyturn:revoked:sid:${claimsOf(meanwhile.access_token).sid}`;
      await filledWith(sid);
      t.pass('with what was revoked meanwhile');
      t.notOk(await world.isActive(meanwhile.access_token));
    });

    await t.test('what it could not take is written when it takes writes again', async (t) => {
      const connection = new Redis(redis.url);
      t.teardown(() => connection.disconnect());
      await connection.config('SET', 'min-replicas-to-write', '1');
      const { body: meanwhile } = await world.login();
      t.equal((await world.revoke(meanwhile.access_token)).status, 200);
      const missed = `keyturn:revoked:jti:${claimsOf(meanwhile.access_token).jti}`;
      t.notOk(await has(redis.url, missed));
      await connection.config('SET', 'min-replicas-to-write', '0');
      await filledWith(missed);
      t.pass('filled');
    });

    await t.test('a Redis that hangs holds up no request', async (t) => {
      redis.freeze();
      t.teardown(() => redis.thaw());
      const requests = async () => {
        const { body: token } = await world.login();
        t.equal((await world.revoke(token.refresh_token)).status, 200);
        t.notOk(await world.isActive(token.access_token));
      };
      const milliseconds = await shortest(requests, 5_000);
      t.ok(milliseconds < 5_000, `${Math.round(milliseconds)} ms`);
    });
  },
);

async function has(url: string, key: string): Promise<boolean> {
  const connection = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  connection.on('error', () => undefined);
  try {
    await connection.connect();
    return (await connection.exists(key)) === 1;
  } catch {
    return false;
  } finally {
    connection.disconnect();
  }
}

t.test(
  '200 means durable: without PostgreSQL nothing is revoked, issued or refused',
  {
    ...needs('private postgres'),
  },
  async (t) => {
    const postgres = await privatePostgres(t);
    const url = await testDatabase(t, { on: postgres });
    const world = await startWorld(t, { settings: { DATABASE_URL: url } });
    const { body } = await world.login();
    await postgres.stop();

    const attempts = {
      revoke: () => world.revoke(body.refresh_token),
      'revoke of an access token': () => world.revoke(body.access_token),
      refresh: () => world.refresh(body.refresh_token),
      login: () => world.login(),
      introspection: () => world.server.introspect(body.access_token, world.serviceHeaders),
    };
    for (const [attempt, send] of Object.entries(attempts)) {
      const { result: answer, milliseconds } = await quickest<Answer>(send, 6_000);
      t.equal(answer.status, 503, attempt);
      t.equal(answer.body.error, 'temporarily_unavailable', attempt);
      t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/, attempt);
      t.ok(milliseconds < 6_000, `${attempt}: in time`);
    }
    t.equal((await world.server.get('/health/ready')).status, 503);
    t.equal((await world.server.get('/health/live')).status, 200);
    t.equal((await world.server.get('/.well-known/jwks.json')).status, 200, 'keys need no database');

    await postgres.start();
    await until(
      async () => (await world.server.get('/health/ready')).status === 200,
      eventuallyMilliseconds,
      () => 'not ready again',
    );
    t.ok(await world.isActive(body.access_token), 'what was answered 503 was not done');
    const refreshed = await world.refresh(body.refresh_token);
    t.equal(refreshed.status, 200, 'and nobody lost a session');
    t.equal((await world.revoke(refreshed.body.refresh_token)).status, 200);
    t.notOk(await world.isActive(refreshed.body.access_token));
  },
);
