/** Ends of sessions that meet each other, or a login, halfway. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { PostgresClientAdministration } from '../../src/storage/postgres/client-administration.js';
import { type Database, statement } from '../../src/storage/postgres/database.js';
import { PostgresSessionAdministration } from '../../src/storage/postgres/session-administration.js';
import { PostgresUserAdministration } from '../../src/storage/postgres/user-administration.js';
import type { UserEnding } from '../../src/users/user-administration.js';
import { seedClient, seedUser } from '../support/seed.js';
import { needs, openTestDatabase, type Scope, testDatabase } from '../support/services.js';

const settings = { clockToleranceSeconds: 30 };

async function open(t: Scope): Promise<Database> {
  const database = openTestDatabase(await testDatabase(t));
  t.teardown(() => database.close());
  return database;
}

/** Sessions with an access token that has not expired. Answers their ids, in the order in which they lie in the table. */
async function addSessions({ prisma }: Database, userId: string, clientId: string, count: number) {
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    INSERT INTO sessions (id, user_id, client_id, secret_hash, auth_time, rotated_at, last_used_at,
      idle_expires_at, absolute_expires_at, access_tokens_expire_at)
    SELECT gen_random_uuid(), ${userId}::uuid, ${clientId}, '', now(), now(), now(),
      now() + interval '1 day', now() + interval '1 day', now() + interval '15 minutes'
    FROM generate_series(1, ${count}::int)
    RETURNING id::text AS id`;
  return rows.map(({ id }) => id);
}

t.test('sessions are locked before revocations, by whoever ends several', needs('postgres'), async (t) => {
  const database = await open(t);
  const user = await seedUser(database);
  const client = await seedClient(database);
  const ids = await addSessions(database, user.id, client.id, 3);
  const sessions = new PostgresSessionAdministration(database, settings);
  const lock = statement('SELECT FROM sessions WHERE id = $1::uuid FOR UPDATE');
  const revoke = statement(`
    INSERT INTO revocations (type, value, reason, expires_at)
    VALUES ('sid', $1::text, 'client_disabled', now() + interval '1 hour')`);
  // What the end of a client does with each page of its sessions.
  const other = database.transaction(async (queries) => {
    await queries.run(lock, [ids.at(-1)]);
    await sleep(500);
    await queries.run(revoke, [ids.at(-1)]);
  });
  await sleep(200);
  const ended = await sessions.revokeAllOwn(user.id, undefined, user.id);
  t.equal(ended.length, 3);
  await t.resolves(other);
});

t.test(
  'a session begun while its client is deleted does not go without a revocation',
  needs('postgres'),
  async (t) => {
    const database = await open(t);
    const user = await seedUser(database);
    const client = await seedClient(database);
    await addSessions(database, user.id, client.id, 1_001);
    const clients = new PostgresClientAdministration(database, settings);
    let begun = '';
    const ended = await clients.end(client.id, 'client_deleted', randomUUID(), async (entries) => {
      if (entries.length > 0 || begun) return;
      await clients.enable(client.id, randomUUID());
      [begun = ''] = await addSessions(database, user.id, client.id, 1);
    });
    t.equal(ended?.endedSessions, 1_002);
    t.equal(await database.prisma.session.count(), 0);
    t.equal(await database.prisma.revocation.count({ where: { type: 'sid', value: begun } }), 1);
  },
);

t.test(
  'the sessions of a user who has very many end in pages, whatever ends them',
  needs('postgres'),
  async (t) => {
    const database = await open(t);
    const { prisma } = database;
    const client = await seedClient(database);
    const users = new PostgresUserAdministration(database, { ...settings, accessTokenTtlSeconds: 900 });
    const sessions = new PostgresSessionAdministration(database, settings);

    const end = (ending: UserEnding) => async (userId: string) => {
      let announced = 0;
      const ended = await users.end(userId, ending, 'cli', async (entries) => {
        announced += entries.filter(({ type }) => type === 'sid').length;
      });
      return [ended?.endedSessions, announced];
    };
    const logOut = async (userId: string) => {
      const entries = await sessions.revokeAllOwn(userId, undefined, userId);
      return [entries.length, entries.length];
    };
    const endings = {
      user_disabled: end({ kind: 'user_disabled' }),
      user_deleted: end({ kind: 'user_deleted' }),
      sessions_revoked: end({ kind: 'sessions_revoked' }),
      password_changed: end({ kind: 'password_changed', passwordHash: 'x' }),
      revoked: logOut,
    };
    for (const [reason, endAll] of Object.entries(endings)) {
      const user = await seedUser(database);
      await addSessions(database, user.id, client.id, 2_500);
      t.same(await endAll(user.id), [2_500, 2_500], reason);
      t.equal(await prisma.session.count({ where: { userId: user.id, revokedAt: null } }), 0, reason);
      const commits = await prisma.revocation.groupBy({ by: ['revokedAt'], where: { type: 'sid', reason } });
      t.ok(commits.length > 1, `${reason}: in several commits`);
    }
  },
);
