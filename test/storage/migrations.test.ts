/** Migrations: applied at start on the embedded database, by command on a server, and once however many ask. */
import { readdirSync, rmSync } from 'node:fs';
import { Writable } from 'node:stream';
import t from 'tap';
import { loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/logger.js';
import { buildServer } from '../../src/server.js';
import { serverSettings, startInstance } from '../support/server.js';
import { needs, openTestDatabase, runSql, testDatabase } from '../support/services.js';

const names = readdirSync(new URL('../../prisma/migrations', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

const silent = createLogger('silent', new Writable({ write: (_chunk, _encoding, done) => done() }));

t.test('an embedded database is made and migrated at the first start, and found at the next', async (t) => {
  const settings = await serverSettings(t);
  rmSync(settings.DATA_DIR ?? '', { recursive: true });
  for (const start of ['first', 'second']) {
    const instance = await startInstance(settings);
    t.same(await instance.server.storage.database.pendingMigrations(), [], `${start} start`);
    await instance.close();
  }
});

t.test(
  'a start on an unmigrated server database refuses, and says what to run',
  needs('postgres'),
  async (t) => {
    const url = await testDatabase(t, { migrated: false });
    const config = loadConfig(await serverSettings(t, { settings: { DATABASE_URL: url } }));
    await t.rejects(buildServer(config, silent), {
      name: 'UnmigratedDatabase',
      message: /run "keyturn migrate" first/,
    });
    const tables = await runSql(url, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`);
    t.equal(tables.length, 0, 'and it has changed nothing');
  },
);

t.test('several that migrate at once: each migration is applied once', needs('postgres'), async (t) => {
  const url = await testDatabase(t, { migrated: false });
  const databases = Array.from({ length: 4 }, () => openTestDatabase(url));
  t.teardown(() => Promise.all(databases.map((database) => database.close())));
  const applied = await Promise.all(databases.map((database) => database.migrate()));
  t.same(applied.flat().sort(), names);
  const rows = await runSql(url, 'SELECT migration_name FROM _prisma_migrations ORDER BY 1');
  t.same(
    rows.map((row) => row.migration_name),
    names,
  );
  t.same(await databases[0]?.migrate(), [], 'and then there is nothing to do');
});

t.test('a database that cannot be reached is named so, without its password', async (t) => {
  const url = 'postgres://somebody:very-secret@127.0.0.1:1/nowhere';
  const config = loadConfig(await serverSettings(t, { settings: { DATABASE_URL: url } }));
  const failure = await buildServer(config, silent).then(
    () => undefined,
    (error: unknown) => error,
  );
  t.ok(failure instanceof Error);
  if (failure instanceof Error) t.notOk(`${failure.message}${failure.stack}`.includes('very-secret'));
});
