/** Refresh tokens: RFC 6749 §6, with the rotation of RFC 9700 §4.14.2. */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { basic } from '../support/http-client.js';
import { seedClient, seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld, type World } from '../support/world.js';

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, storage);
    await rotation(t, world);
    await reuse(t, world);
    await binding(t, world);
    await scope(t, world);
    await garbage(t, world);
    await endings(t, world);
  });
}

function rotation(t: Test, world: World) {
  return t.test('RFC 9700 §4.14.2 rotation and retry', async (t) => {
    const { body: first } = await world.login();
    const second = await world.refresh(first.refresh_token);
    t.equal(second.status, 200);
    t.not(second.body.refresh_token, first.refresh_token, 'a successor at every refresh');
    t.equal(second.body.scope, 'read write');
    t.equal(second.body.expires_in, 900);

    const retry = await world.refresh(first.refresh_token);
    t.equal(retry.status, 200, 'a retry after a lost response');
    t.equal(retry.body.refresh_token, second.body.refresh_token, 'gets the same successor');
    t.not(retry.body.access_token, second.body.access_token, 'and a fresh access token');

    const third = await world.refresh(retry.body.refresh_token);
    t.equal(third.status, 200, 'the lineage goes on');

    const { sid } = claimsOf(first.access_token);
    const rows = await world.server.database.prisma.refreshToken.findMany({
      where: { sessionId: String(sid) },
      orderBy: { generation: 'asc' },
    });
    t.same(
      rows.map((row) => row.generation),
      [0, 1, 2],
      'each generation is on record, once',
    );
    const events = await world.server.database.prisma.auditEvent.findMany({
      where: { sessionId: String(sid) },
      orderBy: { id: 'asc' },
    });
    t.same(
      events.map((event) => event.type),
      ['login', 'refresh', 'retry', 'refresh'],
      'and each request is audited',
    );
  });
}

function reuse(t: Test, world: World) {
  return t.test('RFC 9700 §4.14.2 reuse of a rotated token ends the session', async (t) => {
    const { body: first } = await world.login();
    const { body: second } = await world.refresh(first.refresh_token);
    const { body: third } = await world.refresh(second.refresh_token);
    const other = await world.login();
    t.ok(await world.isActive(third.access_token));

    const stolen = await world.refresh(first.refresh_token);
    t.equal(stolen.status, 400);
    t.equal(stolen.body.error, 'invalid_grant');
    t.equal(stolen.body.reason, 'reused');

    for (const token of [third.refresh_token, second.refresh_token, first.refresh_token]) {
      const refused = await world.refresh(token);
      t.equal(refused.body.error, 'invalid_grant');
      t.equal(refused.body.reason, 'reused', 'whoever asks next learns why');
    }
    for (const token of [first, second, third]) t.notOk(await world.isActive(token.access_token));
    t.ok(await world.isActive(other.body.access_token), "the user's other sessions live on");
    t.equal((await world.refresh(other.body.refresh_token)).status, 200);

    const entries = await world.server.database.prisma.revocation.findMany({
      where: { value: String(claimsOf(first.access_token).sid) },
    });
    t.match(
      entries,
      [{ type: 'sid', reason: 'reused' }],
      'one entry on the blocklist, however often it is tried',
    );
  });
}

function binding(t: Test, world: World) {
  const { server } = world;
  return t.test('RFC 6749 §6 the token is bound to its client', async (t) => {
    const { body } = await world.login();
    const other = await seedClient(server.database);
    const foreign = await server.refresh(body.refresh_token, { client_id: other.id });
    t.equal(foreign.status, 400);
    t.equal(foreign.body.error, 'invalid_grant');
    const confidential = await seedClient(server.database, {
      type: 'confidential',
      grants: ['refresh_token'],
    });
    const headers = basic(confidential.id, confidential.secret);
    t.equal((await server.refresh(body.refresh_token, {}, headers)).body.error, 'invalid_grant');
    const own = await world.refresh(body.refresh_token);
    t.equal(own.status, 200, 'a foreign attempt costs its owner nothing');

    const withoutGrant = await seedClient(server.database, { grants: ['password'] });
    const refused = await server.refresh(own.body.refresh_token, { client_id: withoutGrant.id });
    t.equal(refused.body.error, 'unauthorized_client');
  });
}

function scope(t: Test, world: World) {
  return t.test('RFC 6749 §6 scope', async (t) => {
    const { body } = await world.login();
    const narrow = await world.refresh(body.refresh_token, { scope: 'read' });
    t.equal(narrow.body.scope, 'read', 'may be narrower');
    t.equal(claimsOf(narrow.body.access_token).scope, 'read');
    const whole = await world.refresh(narrow.body.refresh_token);
    t.equal(whole.body.scope, 'read write', 'the lineage keeps what was granted');

    const { body: limited } = await world.login({ scope: 'read' });
    const wider = await world.refresh(limited.refresh_token, { scope: 'read write' });
    t.equal(wider.status, 400);
    t.equal(wider.body.error, 'invalid_scope', 'never wider');
    const unknown = await world.refresh(limited.refresh_token, { scope: 'root' });
    t.equal(unknown.body.error, 'invalid_scope');
    const still = await world.refresh(limited.refresh_token);
    t.equal(still.status, 200, 'a refused scope rotates nothing');
    t.equal(still.body.scope, 'read');

    const client = await seedClient(world.server.database, { scope: ['read', 'write'] });
    const login = await world.login({ client_id: client.id });
    await world.server.database.prisma.client.update({ where: { id: client.id }, data: { scope: ['read'] } });
    await sleep(1_050);
    const after = await world.refresh(login.body.refresh_token, { client_id: client.id });
    t.equal(after.body.scope, 'read', 'what the client lost is not granted any more');
  });
}

function garbage(t: Test, world: World) {
  return t.test('what this server did not make is unknown, and costs no query', async (t) => {
    const { body } = await world.login();
    const token = body.refresh_token;
    const flipped = (at: number) =>
      token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    const presented = [
      'x',
      'ktr_',
      body.access_token,
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      token.toLowerCase(),
      flipped(10),
      flipped(28),
      flipped(40),
      flipped(token.length - 5),
      'ktr_'.padEnd(token.length, 'A'),
      'a'.repeat(10_000),
    ];
    for (const value of presented) {
      const answer = await world.refresh(value);
      t.equal(answer.body.error, 'invalid_grant', `${value.slice(0, 12)}… (${value.length})`);
      t.notOk('reason' in answer.body, 'it was never real');
    }
    const many = () => Promise.all(Array.from({ length: 300 }, () => world.refresh(flipped(30))));
    const answers = await whileNobodyCanRead(world, many);
    t.ok(
      answers.every(({ body }) => body.error === 'invalid_grant'),
      'told without asking the database',
    );
    t.equal((await world.refresh('')).body.error, 'invalid_request');
    t.equal((await world.refresh(token)).status, 200, 'and the real one still works');
  });
}

/** Runs the work while a query of any of these tables would wait for its end (on a server; embedded there is one connection). */
async function whileNobodyCanRead<T>({ server: { database } }: World, work: () => Promise<T>): Promise<T> {
  if (database.kind === 'embedded') return work();
  return database.prisma.$transaction(
    async (transaction) => {
      // The work is none of the transaction's, and may take longer than the server lets a transaction be idle.
      await transaction.$executeRaw`SET LOCAL idle_in_transaction_session_timeout = 0`;
      await transaction.$executeRaw`
        LOCK TABLE users, sessions, refresh_tokens, revocations, audit_events IN ACCESS EXCLUSIVE MODE`;
      return work();
    },
    { timeout: 60_000 },
  );
}

function endings(t: Test, world: World) {
  const { database } = world.server;
  return t.test('a session ends with its user, its client, or by request', async (t) => {
    const member = await seedUser(database);
    const { body } = await world.login({ username: member.email });
    await database.prisma.user.update({ where: { id: member.id }, data: { disabledAt: new Date() } });
    const disabled = await world.refresh(body.refresh_token);
    t.equal(disabled.body.error, 'invalid_grant');
    t.equal(disabled.body.reason, 'revoked', 'a disabled user');
    await database.prisma.user.update({ where: { id: member.id }, data: { disabledAt: null } });
    t.equal((await world.refresh(body.refresh_token)).status, 200, 'and back again');

    const revoked = await world.login();
    await world.revoke(revoked.body.refresh_token);
    const refused = await world.refresh(revoked.body.refresh_token);
    t.equal(refused.body.error, 'invalid_grant');
    t.equal(refused.body.reason, 'revoked', 'a revoked session');

    const gone = await world.login({ username: member.email });
    await database.prisma.user.delete({ where: { id: member.id } });
    const unknown = await world.refresh(gone.body.refresh_token);
    t.equal(unknown.body.error, 'invalid_grant');
    t.equal(unknown.body.reason, 'unknown', 'a deleted user');
  });
}
