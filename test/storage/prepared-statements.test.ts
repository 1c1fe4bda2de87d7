/** A later version's migration changes tables while this version serves: no request fails for it. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { statement } from '../../src/storage/postgres/database.js';
import { adminApi } from '../support/admin.js';
import { needs, openTestDatabase, runSql, testDatabase } from '../support/services.js';
import { startWorld } from '../support/world.js';

const sources = new URL('../../src/storage/postgres/', import.meta.url);

t.test('no statement asks for whatever columns there are', async (t) => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.includes('generated'),
  );
  t.ok(files.length > 20);
  for (const file of files) {
    const text = readFileSync(new URL(file, sources), 'utf8');
    t.notMatch(text, /\b(SELECT|RETURNING|DISTINCT)\s+(\w+\.)?\*|,\s*\w+\.\*/i, file);
  }
});

const columns = {
  users: 'later integer',
  clients: `later text DEFAULT 'x'`,
  sessions: 'later integer',
  refresh_tokens: 'later integer',
  revocations: 'later integer',
  audit_events: 'later integer',
};

t.test('new columns and changed types, while the server runs', needs('postgres'), async (t) => {
  const world = await startWorld(t, { database: 'postgres' });
  const url = world.server.settings.DATABASE_URL ?? '';
  const admin = await adminApi(world.server);
  const everything = async (when: string) => {
    const logins = await Promise.all(Array.from({ length: 12 }, () => world.login()));
    const [first] = logins;
    const token = first?.body.refresh_token ?? '';
    const answers = [
      ...logins,
      await world.refresh(token),
      await admin('GET', '/users'),
      await admin('GET', '/clients'),
      await admin('GET', '/sessions'),
      await admin('GET', '/audit'),
      await admin('PATCH', `/users/${world.user.id}`, { roles: ['admin'] }),
      await admin('POST', `/users/${world.user.id}/revoke-sessions`),
    ];
    const failed = answers
      .filter(({ status }) => status >= 300)
      .map(({ status, text }) => `${status} ${text}`);
    t.same(failed, [], when);
    await world.server.database.prisma.user.findMany();
    await world.server.database.prisma.session.findMany({ include: { user: true } });
  };
  await everything('before');
  for (const [table, column] of Object.entries(columns)) {
    await runSql(url, `ALTER TABLE ${table} ADD COLUMN ${column}`);
  }
  await everything('with new columns');
  await runSql(url, 'ALTER TABLE users ALTER COLUMN email TYPE varchar, ALTER COLUMN org_id TYPE varchar');
  await runSql(url, 'ALTER TABLE sessions ALTER COLUMN label TYPE varchar');
  await runSql(url, 'ALTER TABLE audit_events ALTER COLUMN actor TYPE varchar');
  await everything('with changed types');
});

t.test(
  'statements that are gone, or taken by somebody else, are prepared again',
  needs('postgres'),
  async (t) => {
    const url = await testDatabase(t);
    const database = openTestDatabase(url);
    t.teardown(() => database.close());
    const one = statement<{ n: number }>('SELECT $1::int AS n');
    const two = statement<{ n: number }>('SELECT $1::int + 1 AS n');
    const plain = (text: string) => ({ name: '', text });
    const both = () =>
      database.transaction(async (queries) => [
        ...(await queries.run(one, [1])),
        ...(await queries.run(two, [1])),
      ]);
    t.same(await both(), [{ n: 1 }, { n: 2 }]);
    await database.run(plain('DEALLOCATE ALL'), []);
    t.same(await database.run(one, [1]), [{ n: 1 }], 'one that is gone');
    await database.run(plain('DEALLOCATE ALL'), []);
    t.same(await both(), [{ n: 1 }, { n: 2 }], 'in a transaction, which is run again');
    const other = openTestDatabase(url);
    t.teardown(() => other.close());
    await other.run(plain(`PREPARE ${one.name} AS SELECT 5`), []);
    t.same(await other.run(one, [1]), [{ n: 1 }], 'a name that is taken');
  },
);

t.test('whatever else is not supported fails once, as it is', needs('postgres'), async (t) => {
  const database = openTestDatabase(await testDatabase(t));
  t.teardown(() => database.close());
  const unsupported = statement('SELECT count(*) FROM users FOR UPDATE');
  await t.rejects(database.run(unsupported, []), { code: '0A000' });
});
