/** docs/decisions/login-limits.md: who can slow down whom. */

import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { type AttemptCounter, MemoryAttemptCounter } from '../../src/limits/attempts.js';
import { RedisAttemptCounter } from '../../src/storage/redis/attempts.js';
import type { Answer } from '../support/http-client.js';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { seedUser } from '../support/seed.js';
import { needs, testRedis } from '../support/services.js';
import { backends } from '../support/variants.js';
import { startWorld, type World } from '../support/world.js';

const settings = { LOGIN_RATE_PER_MINUTE: '12', TRUST_PROXY: 'loopback' };
const owner = '203.0.113.7';

function logIn(world: World, username: string, password: string, address: string): Promise<Answer> {
  const form = { grant_type: 'password', username, password, client_id: world.app.id };
  return world.server.token(form, { 'x-forwarded-for': address });
}

/** Asks until it is so, however long that takes. */
function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  return until(
    async () => condition(),
    eventuallyMilliseconds,
    () => String(condition),
  );
}

/** Wrong passwords until one is not tried any more; the statuses. */
async function guess(world: World, username: string, addressOf: (index: number) => string, most = 40) {
  const statuses: number[] = [];
  for (let index = 0; index < most && statuses.at(-1) !== 429; index += 1) {
    statuses.push((await logIn(world, username, 'wrong', addressOf(index))).status);
  }
  return statuses;
}

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, { ...storage, settings });
    const newUser = () => seedUser(world.server.database);

    await t.test('strangers do not lock the owner out of a network that the account knows', async (t) => {
      const { email, password } = await newUser();
      t.equal((await logIn(world, email, password, owner)).status, 200);
      const statuses = await guess(world, email, (index) => `192.0.2.${index}`);
      t.same(statuses, [...Array(12).fill(400), 429], 'all strangers together have so many guesses');
      t.equal((await logIn(world, email, password, '192.0.2.200')).status, 429, 'and no more');
      t.equal((await logIn(world, email, password, owner)).status, 200, 'the owner gets in');
      t.equal((await logIn(world, email, password, '192.0.2.201')).status, 429, 'and frees nobody else');
    });

    await t.test('an account is one by e-mail and by username', async (t) => {
      const username = 'ann-by-two-names';
      const { email } = await seedUser(world.server.database, { username });
      const names = [email, username, email.toUpperCase()];
      const statuses: number[] = [];
      for (let index = 0; index < 13; index += 1) {
        statuses.push((await logIn(world, names[index % 3] ?? '', 'wrong', `198.51.100.${index}`)).status);
      }
      t.same(statuses, [...Array(12).fill(400), 429]);
    });

    await t.test('names that nobody has are limited as those of users', async (t) => {
      const statuses = await guess(world, 'nobody@example.test', (index) => `192.0.3.${index}`);
      t.same(statuses, [...Array(12).fill(400), 429]);
    });

    await t.test('right logins never count, however many at once', async (t) => {
      const { email, password } = await newUser();
      const logins = () =>
        Promise.all(Array.from({ length: 30 }, () => logIn(world, email, password, '192.0.4.1')));
      for (const answer of [...(await logins()), ...(await logins())])
        t.equal(answer.status, 200, answer.text);
      t.equal((await logIn(world, email, 'wrong', '192.0.4.1')).status, 400);
    });

    await t.test('by one network the pauses grow, and a right login ends them', async (t) => {
      const { email, password } = await newUser();
      const statuses = await guess(world, email, () => '192.0.5.1');
      t.same(statuses, [...Array(10).fill(400), 429]);
      await eventually(async () => (await logIn(world, email, 'wrong', '192.0.5.1')).status === 400);
      const { status, headers, body } = await logIn(world, email, password, '192.0.5.1');
      t.equal(status, 429);
      t.equal(body.error, 'temporarily_unavailable');
      t.match(headers.get('retry-after'), /^[12]$/, 'the second pause is two seconds');
      await eventually(async () => (await logIn(world, email, password, '192.0.5.1')).status === 200);
      t.equal((await logIn(world, email, 'wrong', '192.0.5.1')).status, 400);
    });

    await t.test('a valid account does not give a network its guesses on others back', async (t) => {
      const own = await newUser();
      const statuses: number[] = [];
      for (let index = 0; index < 13; index += 1) {
        await logIn(world, own.email, own.password, '192.0.6.1');
        statuses.push((await logIn(world, `victim-${index}@example.test`, 'wrong', '192.0.6.1')).status);
      }
      t.same(statuses, [...Array(12).fill(400), 429]);
    });

    await t.test('a /56 has so many for all of its networks', async (t) => {
      const statuses: number[] = [];
      for (let index = 0; index < 49; index += 1) {
        const network = `2001:db8:1:${index.toString(16)}::1`;
        statuses.push((await logIn(world, `of-site-${index}@example.test`, 'wrong', network)).status);
      }
      t.same(statuses, [...Array(48).fill(400), 429]);
      t.equal(
        (await logIn(world, 'x@example.test', 'wrong', '2001:db8:1:100::1')).status,
        400,
        'others go on',
      );
    });

    await t.test('parallel guesses do not slip through the pauses', async (t) => {
      const { email } = await newUser();
      await guess(world, email, () => '192.0.7.1');
      await eventually(async () => (await logIn(world, email, 'wrong', '192.0.7.1')).status === 400);
      const waited = eventually(async () => {
        const burst = await Promise.all(
          Array.from({ length: 20 }, () => logIn(world, email, 'wrong', '192.0.7.1')),
        );
        const tried = burst.filter(({ status }) => status === 400).length;
        t.ok(tried <= 1, `${tried} of 20 were tried`);
        return tried === 1;
      });
      await waited;
    });
  });
}

t.test('a login that is answered 503 counts nowhere', async (t) => {
  const oneAtATime = { PASSWORD_HASH_QUEUE: '0', PASSWORD_HASH_CONCURRENCY: '1', ARGON2_MEMORY_KIB: '65536' };
  const world = await startWorld(t, { settings: { ...settings, ...oneAtATime } });
  const counted = { 400: 0, 503: 0, 429: 0 };
  const attempt = async () => {
    const { status } = await logIn(world, 'nobody@example.test', 'wrong', '192.0.2.1');
    counted[status as keyof typeof counted] += 1;
  };
  while (counted[503] < 12 && counted[400] < 6) await Promise.all(Array.from({ length: 4 }, attempt));
  t.ok(counted[400] + counted[503] > 10, 'more attempts than there are free ones');
  t.ok(counted[400] < 10);
  t.equal(counted[429], 0, 'and yet nobody is limited');
});

const policy = { free: 2, firstPauseMs: 1_000, maxPauseMs: 8_000, memoryMs: 60_000 };

/** What both counters do. */
async function counts(t: Test, counter: AttemptCounter) {
  const attempts = [{ key: 'a', policy }];
  t.equal(await counter.admit(attempts), 'admitted');
  t.equal(await counter.admit(attempts), 'admitted', 'attempts alone do not count');
  await counter.fail(attempts);
  t.equal(await counter.admit(attempts), 'admitted');
  await counter.fail(attempts);
  const refused = await counter.admit([{ key: 'b', policy }, ...attempts]);
  t.match(refused, { refused: 1 });
  t.ok(refused !== 'admitted' && refused.waitMs > 0 && refused.waitMs <= 1_000);
  await counter.release(['a']);
  t.equal(await counter.admit(attempts), 'admitted');
  t.match(await counter.admit(attempts), { refused: 0 }, 'one at a time');
  await counter.forget('a');
  t.equal(await counter.admit(attempts), 'admitted');
  for (let index = 0; index < 20; index += 1) await counter.fail(attempts);
  const longest = await counter.admit(attempts);
  t.ok(longest !== 'admitted' && longest.waitMs > 1_000 && longest.waitMs <= 8_000, 'pauses have an end');
}

t.test('counted in process: pauses, one trial at a time, and the memory of a key ends', async (t) => {
  let now = 1_000_000;
  const counter = new MemoryAttemptCounter(() => now);
  await counts(t, counter);
  now += 60_000;
  t.equal(await counter.admit([{ key: 'a', policy }]), 'admitted');
  t.equal(await counter.admit([{ key: 'a', policy }]), 'admitted', 'all is forgotten');
  for (let key = 0; key < 60_000; key += 1)
    await counter.fail([{ key: `made up ${key}`, policy: { ...policy, free: 1 } }]);
  t.equal(
    await counter.admit([{ key: 'made up 0', policy }]),
    'admitted',
    'made-up keys claim no memory without end',
  );
  t.match(await counter.admit([{ key: 'made up 59999', policy }]), { refused: 0 });
});

t.test('counted in Redis: the same', needs('redis'), async (t) => {
  const redis = new Redis(await testRedis(t));
  t.teardown(() => redis.disconnect());
  await eventually(() => redis.status === 'ready');
  await counts(t, new RedisAttemptCounter(redis, Date.now));
  const attempts = [{ key: 'shared', policy: { ...policy, firstPauseMs: 60_000, maxPauseMs: 60_000 } }];
  const [one, other] = [new RedisAttemptCounter(redis, Date.now), new RedisAttemptCounter(redis, Date.now)];
  await one.fail(attempts);
  await other.fail(attempts);
  t.match(await one.admit(attempts), { refused: 0 }, 'by all instances together');
  t.ok((await redis.pttl('keyturn:rate:shared')) > 0, 'for a time');
});
