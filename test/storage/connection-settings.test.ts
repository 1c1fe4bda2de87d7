/** Whatever a connection would take over from database, role, environment or URL, and the server relies on, it sets itself. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { statement } from '../../src/storage/postgres/database.js';
import { keyturnHere, keyturnJson } from '../cli/keyturn.js';
import { adminApi } from '../support/admin.js';
import { serverSettings } from '../support/server.js';
import { needs, openTestDatabase, runSql, type Scope, testDatabase } from '../support/services.js';
import { startWorld } from '../support/world.js';

/** Each of them breaks something, or makes it slow, where it is taken over. */
const hostile: Record<string, string> = {
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  transform_null_equals: 'on',
  search_path: 'elsewhere',
  lock_timeout: '1ms',
  statement_timeout: '2s',
  idle_in_transaction_session_timeout: '400ms',
  plan_cache_mode: 'force_generic_plan',
  synchronous_commit: 'off',
  jit_above_cost: '0',
  row_security: 'off',
};

function isRecent(instant: string | undefined): boolean {
  return Math.abs(new Date(instant ?? 'never').getTime() - Date.now()) < 600_000;
}

async function hostileDatabase(t: Scope, settings = hostile): Promise<string> {
  const url = await testDatabase(t, { migrated: false });
  const name = new URL(url).pathname.slice(1);
  for (const [setting, value] of Object.entries(settings)) {
    await runSql(url, `ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  }
  return url;
}

t.test('a database whose settings are all hostile', needs('postgres'), async (t) => {
  const url = await hostileDatabase(t);
  const environment = { ...(await serverSettings(t)), DATABASE_URL: url };
  t.match(await keyturnHere(['migrate'], { environment }), { code: 0 });
  const world = await startWorld(t, { settings: { DATABASE_URL: url } });
  const { database } = world.server;

  t.test('logins, and what sessions say of themselves', async (t) => {
    const { status, body } = await world.login();
    t.equal(status, 200, JSON.stringify(body));
    const authorization = { authorization: `Bearer ${body.access_token}` };
    const own = await world.server.get('/sessions', authorization);
    const [session] = own.body.sessions as { created_at: number }[];
    t.ok(isRecent(new Date(Number(session?.created_at) * 1000).toISOString()), own.text);
  });

  t.test('races of refreshes: nobody is turned away', async (t) => {
    const logins = await Promise.all(Array.from({ length: 8 }, () => world.login()));
    const answers = await Promise.all(
      logins.flatMap(({ body }) => Array.from({ length: 20 }, () => world.refresh(body.refresh_token))),
    );
    t.same([...new Set(answers.map(({ status }) => status))], [200]);
    t.equal(new Set(answers.map(({ body }) => body.refresh_token)).size, logins.length);
  });

  t.test('revocations and their lifetimes', async (t) => {
    const { body } = await world.login();
    t.ok(await world.isActive(body.access_token));
    t.equal((await world.revoke(body.refresh_token)).status, 200);
    t.notOk(await world.isActive(body.access_token));
    t.match(await world.refresh(body.refresh_token), { status: 400, body: { error: 'invalid_grant' } });
  });

  t.test('lists of admins have times, and pages', async (t) => {
    const admin = await adminApi(world.server);
    for (const path of ['/users', '/clients', '/sessions', '/audit']) {
      const { status, text } = await admin('GET', `${path}?limit=2`);
      t.equal(status, 200, text);
      t.notMatch(text, /"(at|created_at|auth_time)":(null|"")/);
    }
    const { body } = await admin('GET', '/users?limit=1');
    const [user] = body.users as { created_at: string }[];
    t.ok(isRecent(user?.created_at), JSON.stringify(user));
    const taken = { id: randomUUID(), email: world.user.email, password_hash: 'x' };
    const insert = 'INSERT INTO public.users (id, email, password_hash) VALUES ($1, $2, $3)';
    await t.rejects(runSql(url, insert, Object.values(taken)), { code: '23505' });
  });

  t.test('sweeps', async (t) => {
    await runSql(url, `UPDATE public.audit_events SET at = now() - interval '400 days' WHERE type = 'login'`);
    const swept = await world.server.first.server.storage.sweeper.sweep();
    t.ok(swept.auditEvents > 0);
  });

  t.test('each connection has its own, and what the server promises is durable', async (t) => {
    const show = statement<Record<string, string>>(
      `SELECT ${Object.keys(hostile)
        .map((name) => `current_setting('${name}') AS "${name}"`)
        .join(', ')}`,
    );
    const [row] = await database.run(show, []);
    t.match(row, {
      DateStyle: 'ISO, MDY',
      default_transaction_isolation: 'read committed',
      search_path: '"public", pg_temp',
      lock_timeout: '0',
      synchronous_commit: 'on',
    });
    const prisma = await database.prisma.$queryRaw`SELECT current_setting('DateStyle') AS style`;
    t.same(prisma, [{ style: 'ISO, MDY' }]);
    const [user] = await database.prisma.user.findMany({ where: { email: world.user.email } });
    t.ok(user && Math.abs(user.createdAt.getTime() - Date.now()) < 600_000);
  });

  t.test('doctor finds nothing wrong with it', async (t) => {
    const { result } = await keyturnJson(['doctor'], { environment: world.server.settings });
    const checks = result.checks as { check: string; status: string }[];
    t.same(
      checks.filter(({ status, check }) => status === 'fail' && check !== 'port'),
      [],
    );
  });
});

t.test(
  'options in the URL are taken, but not in place of what is relied on',
  needs('postgres'),
  async (t) => {
    const url = new URL(await testDatabase(t));
    const options =
      '-c datestyle=German -c default_transaction_isolation=serializable -c search_path=nowhere -c geqo=off';
    url.searchParams.set('options', options);
    // What the driver would take for its own configuration.
    for (const name of ['query_timeout', 'statement_timeout', 'connectionTimeoutMillis'])
      url.searchParams.set(name, '1');
    const database = openTestDatabase(url.href);
    t.teardown(() => database.close());
    const show = statement(`SELECT current_setting('DateStyle') AS style, current_setting('geqo') AS geqo,
    current_setting('default_transaction_isolation') AS isolation, pg_sleep(0.1)::text AS slept`);
    t.match(await database.run(show, []), [{ style: 'ISO, MDY', geqo: 'off', isolation: 'read committed' }]);
    t.same(await database.pendingMigrations(), []);
  },
);

t.test(
  'who may not write for a while may do so afterwards, on the same pool',
  needs('postgres'),
  async (t) => {
    const url = await testDatabase(t);
    const name = new URL(url).pathname.slice(1);
    const database = openTestDatabase(url);
    t.teardown(() => database.close());
    const elsewhere = new URL(url);
    elsewhere.pathname = '/postgres';
    const write = statement('INSERT INTO audit_events (type) VALUES ($1::text)');
    const inTransaction = () => database.transaction((queries) => queries.run(write, ['test']));
    await runSql(elsewhere.href, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await t.rejects(database.run(write, ['test']), { code: 'temporarily_unavailable' });
    await t.rejects(inTransaction(), { code: 'temporarily_unavailable' });
    await runSql(elsewhere.href, `ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await database.run(write, ['test']);
    await inTransaction();
    t.pass('connections from before were given up');
  },
);

t.test(
  'another encoding than UTF8 is refused by migrate and start, and named by doctor',
  needs('postgres'),
  async (t) => {
    const other = await testDatabase(t, { migrated: false });
    const name = `${new URL(other).pathname.slice(1)}_latin`;
    await runSql(
      other,
      `CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    t.teardown(() => runSql(other, `DROP DATABASE ${name} WITH (FORCE)`));
    const url = new URL(other);
    url.pathname = `/${name}`;
    const environment = { ...(await serverSettings(t)), DATABASE_URL: url.href };
    for (const command of [['migrate'], ['users', 'list']]) {
      t.match(await keyturnHere(command, { environment }), { code: 1, stderr: /LATIN1.*UTF8/ });
    }
    t.same(await runSql(url.href, `SELECT FROM pg_tables WHERE schemaname = 'public'`), []);
    const { code, result } = await keyturnJson(['doctor'], { environment });
    t.equal(code, 1);
    t.match(result.checks, [{}, {}, { check: 'database', status: 'fail', message: /LATIN1/ }]);
  },
);
