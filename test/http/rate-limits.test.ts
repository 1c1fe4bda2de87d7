import { Redis } from 'ioredis';
import t from 'tap';
import { networkOf, plainAddress, siteOf } from '../../src/limits/network.js';
import { MemoryRateTally, windowMilliseconds } from '../../src/limits/rate-tally.js';
import type { Answer } from '../support/http-client.js';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { seedClient, seedUser } from '../support/seed.js';
import { needs, privateRedis } from '../support/services.js';
import { atBest, shortest } from '../support/undisturbed.js';
import { startWorld, type World } from '../support/world.js';

function from(address: string) {
  return { 'x-forwarded-for': address };
}

function login(world: World, username: string, address: string, instance = 0): Promise<Answer> {
  const form = { grant_type: 'password', username, password: 'wrong', client_id: world.app.id };
  return world.server.instance(instance).token(form, from(address));
}

async function statuses(count: number, send: (index: number) => Promise<Answer>): Promise<number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index += 1) all.push((await send(index)).status);
  return all;
}

const loginLimit = { LOGIN_RATE_PER_MINUTE: '3', TRUST_PROXY: 'loopback' };

t.test('logins a minute', async (t) => {
  const world = await startWorld(t, { settings: loginLimit });

  t.test('an account has so many, wherever they come from', async (t) => {
    const { email, password } = world.user;
    const tried = await statuses(4, (index) => login(world, email, `192.0.2.${index}`));
    t.same(tried, [400, 400, 400, 429]);
    const upperCase = await login(world, email.toUpperCase(), '192.0.2.9');
    t.equal(upperCase.status, 429, 'in any spelling that is the same account');
    t.equal(upperCase.body.error, 'temporarily_unavailable');
    t.equal(upperCase.headers.get('cache-control'), 'no-store');
    const retryAfter = Number(upperCase.headers.get('retry-after'));
    t.ok(retryAfter >= 1 && retryAfter <= 60);
    const right = { grant_type: 'password', username: email, password, client_id: world.app.id };
    t.equal(
      (await world.server.token(right, from('192.0.2.10'))).status,
      429,
      'the right password is not tried',
    );
    t.equal((await login(world, 'other@example.test', '192.0.2.11')).status, 400, 'others are untouched');
  });

  t.test('an address has so many, whatever the account', async (t) => {
    const { email } = await seedUser(world.server.database);
    const users = ['a@example.test', 'b@example.test', 'c@example.test', email];
    const tried = await statuses(4, (index) => login(world, users[index] ?? '', '198.51.100.1'));
    t.same(tried, [400, 400, 400, 429]);
    t.same(await statuses(3, () => login(world, email, '198.51.100.1')), [429, 429, 429]);
    t.equal(
      (await login(world, email, '198.51.100.2')).status,
      400,
      'and did not use up those of the account',
    );
    const mapped = await login(world, 'd@example.test', '::ffff:198.51.100.1');
    t.equal(mapped.status, 429, 'RFC 4291 §2.5.5.2: IPv4 in IPv6');
  });

  t.test('an IPv6 subscriber is their /64', async (t) => {
    const tried = await statuses(4, (index) => login(world, `user${index}`, `2001:db8:1:2::${index}`));
    t.same(tried, [400, 400, 400, 429]);
    t.equal((await login(world, 'user5', '2001:db8:1:3::1')).status, 400);
  });

  t.test('only logins count as logins', async (t) => {
    const { email, password } = await seedUser(world.server.database);
    let { body } = await world.login({ username: email, password });
    for (let index = 0; index < 6; index += 1) {
      const refreshed = await world.refresh(body.refresh_token);
      t.equal(refreshed.status, 200);
      body = refreshed.body;
    }
  });
});

t.test('forwarded addresses are believed of trusted proxies only', async (t) => {
  const world = await startWorld(t, { settings: { LOGIN_RATE_PER_MINUTE: '3' } });
  const tried = await statuses(4, (index) => login(world, `user${index}`, `192.0.2.${index}`));
  t.same(tried, [400, 400, 400, 429]);
});

t.test(
  'a page of another origin: preflights do not count, and it can read that it was too much',
  async (t) => {
    const origin = 'https://spa.example';
    const world = await startWorld(t, { settings: { REQUEST_RATE_PER_MINUTE: '3' } });
    await seedClient(world.server.database, { origins: [origin] });
    const preflight = () =>
      world.server.send('/token', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    t.same(await statuses(5, preflight), Array(5).fill(204));
    const ask = () => world.server.get('/sessions', { origin });
    t.same(await statuses(4, ask), [401, 401, 401, 429]);
    const { headers } = await ask();
    t.equal(headers.get('access-control-allow-origin'), origin);
    t.match(headers.get('access-control-expose-headers'), /Retry-After/);
    t.match(headers.get('vary'), /Origin/);
    const keySet = await world.server.get('/.well-known/jwks.json', { origin });
    t.equal(keySet.status, 429);
    t.equal(keySet.headers.get('access-control-allow-origin'), '*');
  },
);

t.test('an address has so many requests a minute, unknown paths included', async (t) => {
  const world = await startWorld(t, { settings: { REQUEST_RATE_PER_MINUTE: '5', TRUST_PROXY: 'loopback' } });
  const paths = [
    '/token',
    '/nothing',
    '/.well-known/jwks.json',
    '/nothing',
    '/nothing',
    '/token',
    '/nothing',
  ];
  const get = (path: string, address = '192.0.2.1') => world.server.get(path, from(address));
  const answers = await statuses(7, (index) => get(paths[index] ?? ''));
  t.same(answers, [405, 404, 200, 404, 404, 429, 429]);
  const refused = await get('/token');
  t.equal(refused.body.error, 'temporarily_unavailable');
  t.ok(Number(refused.headers.get('retry-after')) >= 1);
  t.equal((await get('/token', '192.0.2.2')).status, 405, 'other addresses are untouched');
  t.same(await statuses(9, () => get('/health/live')), Array(9).fill(200), 'health checks do not count');
});

t.test('PostgreSQL and Redis: limits are shared by all instances', needs('postgres', 'redis'), async (t) => {
  const settings = { ...loginLimit, REQUEST_RATE_PER_MINUTE: '20' };
  const world = await startWorld(t, { database: 'postgres', redis: true, instances: 2, settings });
  let round = 0;
  const logins = async () => {
    round += 1;
    const { email } = await seedUser(world.server.database);
    return statuses(4, (index) => login(world, email, `198.51.${round}.${index}`, index % 2));
  };
  const limited = [400, 400, 400, 429];
  // While Redis does not answer in time each instance counts by itself.
  t.same(await atBest(logins, (answers) => answers.join() === limited.join()), limited);

  const get = (instance: number) => world.server.instance(instance).get('/nothing', from('192.0.2.77'));
  const exchanged = () => new Promise((resolve) => setTimeout(resolve, 600));
  t.same(await statuses(11, () => get(0)), Array(11).fill(404));
  // The two may have told each other before the last of these, which are the 21st and the 22nd of all.
  t.same((await statuses(11, () => get(1))).slice(0, 9), Array(9).fill(404));
  await exchanged();
  // Instances tell each other as they count.
  const both = async () => [(await get(0)).status, (await get(1)).status];
  let answers = await both();
  // So few that no instance reaches the limit by what it has counted itself.
  for (let more = 0; more < 5 && answers.includes(404); more += 1) {
    await exchanged();
    answers = await both();
  }
  t.same(answers, [429, 429]);
});

t.test(
  'nothing that Redis holds tells who logs in, or from where',
  needs('postgres', 'private redis'),
  async (t) => {
    const redis = await privateRedis(t);
    const settings = { ...loginLimit, REDIS_URL: redis.url };
    const world = await startWorld(t, { database: 'postgres', settings });
    const client = new Redis(redis.url);
    t.teardown(() => client.disconnect());
    let keys: string[] = [];
    await until(
      async () => {
        await login(world, world.user.email, '192.0.2.200');
        keys = await client.keys('keyturn:rate:login*');
        return keys.length > 3;
      },
      eventuallyMilliseconds,
      () => 'Redis was not told of all',
    );
    t.equal(keys.length, 4, 'by account and network, network, site and account');
    t.notMatch(keys.join(' '), world.user.email);
    t.notMatch(keys.join(' '), '192.0.2.200');
  },
);

t.test(
  'while Redis is away or hangs, limits are counted in process',
  needs('postgres', 'private redis'),
  async (t) => {
    const redis = await privateRedis(t);
    const settings = { ...loginLimit, REDIS_URL: redis.url };
    const world = await startWorld(t, { database: 'postgres', settings });
    const attempt = () => login(world, world.user.email, '192.0.2.1');
    t.same(await statuses(1, attempt), [400]);

    redis.freeze();
    t.same(await statuses(3, attempt), [400, 400, 429], 'what was counted before still counts');
    let round = 0;
    const others = () => {
      round += 1;
      return statuses(3, () => login(world, `other-${round}@example.test`, `192.0.2.${100 + round}`));
    };
    t.ok((await shortest(others, 3_000)) < 3_000, 'a hanging Redis holds nobody up');
    redis.thaw();

    await redis.kill();
    t.same(await statuses(4, () => login(world, 'other@example.test', '192.0.2.2')), [400, 400, 400, 429]);
  },
);

t.test('a window ends a minute after its first event, and memory is bounded', async (t) => {
  let now = 1_000_000;
  const tally = new MemoryRateTally(() => now);
  t.same(tally.add('a'), { count: 1, endsIn: windowMilliseconds });
  now += 20_000;
  t.same(tally.add('a'), { count: 2, endsIn: windowMilliseconds - 20_000 });
  now += 40_000;
  t.same(tally.add('a'), { count: 1, endsIn: windowMilliseconds });
  for (let key = 0; key < 60_000; key += 1) tally.add(`made up ${key}`);
  t.equal(tally.add('a').count, 1, 'the oldest are forgotten first');
  t.equal(tally.add('made up 59999').count, 2);
});

t.test('networks', async (t) => {
  t.equal(networkOf('192.0.2.1'), '192.0.2.1');
  t.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  t.equal(networkOf('::ffff:c000:201'), '192.0.2.1');
  t.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.equal(siteOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1::/56');
  t.equal(siteOf('192.0.2.1'), '192.0.2.1');
  t.equal(networkOf('fe80::1%eth0'), 'fe80::/64');
  t.equal(networkOf('192.0.2.1:50123'), '192.0.2.1', 'RFC 7239 §6: a port counts for nothing');
  t.equal(networkOf('[2001:db8:1:2:3:4:5:6]:50123'), '2001:db8:1:2::/64');
  t.equal(networkOf(undefined), 'local');
  t.equal(networkOf('a:b:c:not an address'), 'local');
});

t.test('RFC 4291 §2.5.5.2: an IPv4 address is shown as such', async (t) => {
  t.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  t.equal(plainAddress('::ffff:c000:201'), '::ffff:c000:201');
  t.equal(plainAddress('2001:db8::1'), '2001:db8::1');
  t.equal(plainAddress('192.0.2.1:50123'), '192.0.2.1');
  t.equal(plainAddress('[::ffff:192.0.2.1]:50123'), '192.0.2.1');
  t.equal(plainAddress(undefined), undefined);
});
