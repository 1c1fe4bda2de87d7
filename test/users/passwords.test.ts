/** Passwords: argon2id, its cost, and what counts as the same password. */
import argon2 from 'argon2';
import t, { type Test } from 'tap';
import { adminApi } from '../support/admin.js';
import type { Answer } from '../support/http-client.js';
import { hashOf, seedUser } from '../support/seed.js';
import { startInstance, startServer } from '../support/server.js';
import { median, undisturbed } from '../support/undisturbed.js';
import { startWorld, World } from '../support/world.js';

t.test('RFC 8265 §4.2 a password is the same in NFC and NFD, and distinct in anything else', async (t) => {
  const world = await startWorld(t);
  const composed = 'pässwörd geheim';
  const user = await seedUser(world.server.database, { password: composed });
  const login = (password: string) => world.login({ username: user.email, password });
  t.equal((await login(composed.normalize('NFC'))).status, 200);
  t.equal((await login(composed.normalize('NFD'))).status, 200);
  t.equal((await login(composed.toUpperCase())).status, 400, 'case matters');
  t.equal((await login(`${composed} `)).status, 400, 'spaces matter');
  t.equal((await login('passwort geheim')).status, 400);
});

t.test('a password may be 1024 bytes long, and what is longer is refused like a wrong one', async (t) => {
  const world = await startWorld(t);
  const longest = 'x'.repeat(1_024);
  const user = await seedUser(world.server.database, { password: longest });
  t.equal((await world.login({ username: user.email, password: longest })).status, 200);
  const longer = await world.login({ username: user.email, password: `${longest}x` });
  t.equal(longer.body.error, 'invalid_grant');
  const admin = await adminApi(world.server);
  const refused = await admin('POST', `/users/${user.id}/set-password`, { password: `${longest}x` });
  t.equal(refused.status, 400);
});

t.test(
  'hashes are argon2id with the settings of ARGON2_*, and renewed at login when these rose',
  async (t) => {
    const world = await startWorld(t);
    const { database } = world.server;
    const stored = async () => {
      const { passwordHash } = await database.prisma.user.findUniqueOrThrow({ where: { id: world.user.id } });
      return passwordHash;
    };
    t.match(await stored(), /^\$argon2id\$v=19\$m=1024,t=2,p=1\$/);
    await world.login();
    t.equal(await stored(), await hashOf(world.user.password), 'left alone while it is good enough');

    const renewed = await startServer(t, { settings: { ARGON2_MEMORY_KIB: '2048', ARGON2_TIME_COST: '3' } });
    const old = await seedUser(renewed.database);
    const next = new World(renewed, old, await copyOf(world, renewed), world.service);
    t.equal((await next.login()).status, 200);
    const after = await renewed.database.prisma.user.findUniqueOrThrow({ where: { id: old.id } });
    t.match(after.passwordHash, /^\$argon2id\$v=19\$m=2048,t=3,p=1\$/);
    t.ok(await argon2.verify(after.passwordHash, old.password));
    t.equal((await next.login()).status, 200, 'and the login goes on working');
  },
);

async function copyOf({ app }: World, server: { database: World['server']['database'] }) {
  await server.database.prisma.client.create({
    data: { id: app.id, type: 'public', grants: ['password'], scope: [], audiences: [], origins: [] },
  });
  return app;
}

t.test('an unknown user costs what a wrong password costs', async (t) => {
  const world = await startWorld(t, { settings: { ARGON2_MEMORY_KIB: '8192' } });
  const { database } = world.server;
  const passwordHash = await argon2.hash('something else', {
    memoryCost: 8_192,
    timeCost: 2,
    parallelism: 1,
  });
  await database.prisma.user.update({ where: { id: world.user.id }, data: { passwordHash } });
  const timed = async (username: string) => {
    const start = performance.now();
    await world.login({ username, password: 'wrong' });
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let round = 0; round < 25; round += 1) {
    known.push(await timed(world.user.email));
    unknown.push(await timed(`nobody-${round}@example.test`));
  }
  const ratio = median(unknown) / median(known);
  t.ok(ratio > 0.5 && ratio < 2, `ratio of the medians: ${ratio.toFixed(2)}`);
});

/** A fifth of a second and more, whatever else the machine does: longer than it takes for all logins to arrive. */
const slowHashing = { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '8' };

async function startSlowWorld(t: Test, settings: Record<string, string>): Promise<World> {
  const world = await startWorld(t, { settings: { ...slowHashing, ...settings } });
  const passwordHash = await argon2.hash(world.user.password, {
    memoryCost: 65_536,
    timeCost: 8,
    parallelism: 1,
  });
  await world.server.database.prisma.user.update({ where: { id: world.user.id }, data: { passwordHash } });
  return world;
}

t.test(
  'beyond PASSWORD_HASH_QUEUE the answer is 503 with Retry-After, at once and without hashing',
  async (t) => {
    const world = await startSlowWorld(t, { PASSWORD_HASH_CONCURRENCY: '1', PASSWORD_HASH_QUEUE: '2' });
    const timed = async (): Promise<[answer: Answer, milliseconds: number]> => [
      await world.login(),
      performance.now(),
    ];
    const answers = await undisturbed(() => Promise.all(Array.from({ length: 12 }, timed)));
    const served = answers.filter(([{ status }]) => status === 200);
    const refused = answers.filter(([{ status }]) => status === 503);
    t.equal(served.length, 3, 'one is hashed, two wait');
    t.equal(refused.length, 9);
    for (const [{ headers, body }] of refused) {
      t.match(headers.get('retry-after'), /^[1-9]\d*$/);
      t.equal(body.error, 'temporarily_unavailable');
    }
    const firstServed = Math.min(...served.map(([, milliseconds]) => milliseconds));
    t.ok(
      refused.every(([, milliseconds]) => milliseconds < firstServed),
      'they did not wait for anybody',
    );
    t.equal((await world.login()).status, 200, 'and the queue empties');
  },
);

t.test('hashing does not hold up what needs no password', async (t) => {
  const world = await startSlowWorld(t, { PASSWORD_HASH_CONCURRENCY: '2' });
  const { other, lastLogin } = await undisturbed(async () => {
    const start = performance.now();
    const logins = Array.from({ length: 12 }, () => world.login());
    const answer = await world.server.token({ grant_type: 'client_credentials' }, world.serviceHeaders);
    const other = performance.now() - start;
    t.equal(answer.status, 200);
    for (const login of await Promise.all(logins)) t.equal(login.status, 200);
    return { other, lastLogin: performance.now() - start };
  });
  t.ok(other < lastLogin / 2, `${Math.round(other)} ms, while the logins took ${Math.round(lastLogin)} ms`);
});

t.test('two instances with different costs both accept the hash', async (t) => {
  const world = await startWorld(t);
  await world.server.close();
  const again = await startInstance({ ...world.server.settings, ARGON2_MEMORY_KIB: '4096' });
  t.teardown(() => again.close());
  t.equal((await world.login({}, again)).status, 200);
});
