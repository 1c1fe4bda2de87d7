import { join } from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import type { Database } from '../../src/storage/postgres/database.js';
import { Database as OpenDatabase } from '../../src/storage/postgres/database.js';
import { openEmbedded } from '../../src/storage/postgres/embedded-driver.js';
import { Sweeper } from '../../src/storage/postgres/sweeper.js';
import { copyEmbeddedTemplate } from '../support/embedded-template.js';
import { seedClient, seedUser } from '../support/seed.js';
import { temporaryDirectory } from '../support/server.js';
import { needs, openTestDatabase, type Scope, testDatabase } from '../support/services.js';

const log = pino({ level: 'silent' });
const settings = { auditRetentionDays: 90 };

async function embedded(t: Scope): Promise<Database> {
  const directory = join(temporaryDirectory(t), 'data');
  await copyEmbeddedTemplate(directory);
  return new OpenDatabase(await openEmbedded(directory));
}

const backends = [
  { name: 'embedded database', options: {}, open: embedded },
  {
    name: 'PostgreSQL',
    options: needs('postgres'),
    open: async (t: Scope) => openTestDatabase(await testDatabase(t)),
  },
];

/** Sessions `count` times, with `columns` (SQL) for what a sweep looks at; answers what they are told by. */
async function seedSessions(
  database: Database,
  label: string,
  count: number,
  columns: Record<string, string>,
) {
  const user = await seedUser(database);
  const client = await seedClient(database);
  const all: Record<string, string> = {
    auth_time: 'now()',
    rotated_at: 'now()',
    last_used_at: 'now()',
    idle_expires_at: `now() + interval '1 day'`,
    absolute_expires_at: `now() + interval '2 days'`,
    access_tokens_expire_at: `now() - interval '1 hour'`,
    ...columns,
  };
  await database.prisma.$executeRawUnsafe(`
    INSERT INTO sessions (id, user_id, client_id, secret_hash, scope, label, ${Object.keys(all)})
    SELECT gen_random_uuid(), '${user.id}', '${client.id}', '\\x00', '{}', '${label}', ${Object.values(all)}
    FROM generate_series(1, ${count})`);
}

async function count(database: Database, from: string): Promise<number> {
  const [row] = await database.prisma.$queryRawUnsafe<{ count: number }[]>(
    `SELECT count(*)::int AS count FROM ${from}`,
  );
  return row?.count ?? -1;
}

for (const backend of backends) {
  t.test(backend.name, backend.options, async (t) => {
    const database = await backend.open(t);
    t.teardown(() => database.close());
    const sweeper = new Sweeper(database, settings, log);

    t.test('ended sessions go 7 days after they ended, with their lineage', async (t) => {
      const longAgo = `now() - interval '8 days'`;
      const lately = `now() - interval '6 days'`;
      await seedSessions(database, 'idle long ago', 450, { idle_expires_at: longAgo });
      await seedSessions(database, 'revoked long ago', 3, { revoked_at: longAgo });
      await seedSessions(database, 'over long ago', 3, { absolute_expires_at: longAgo });
      await seedSessions(database, 'idle lately', 3, { idle_expires_at: lately });
      await seedSessions(database, 'revoked lately', 3, { revoked_at: lately });
      await seedSessions(database, 'live', 3, {});
      await database.prisma.$executeRawUnsafe(
        'INSERT INTO refresh_tokens (session_id, generation) SELECT id, 0 FROM sessions',
      );

      const swept = await sweeper.sweep();

      t.equal(swept.sessions, 456);
      t.equal(await count(database, 'sessions'), 9);
      t.equal(await count(database, `sessions WHERE label LIKE '%long ago'`), 0);
      t.equal(await count(database, 'refresh_tokens'), 9);
    });

    t.test(
      'a session stays while an access token of it is valid, however long it has been over',
      async (t) => {
        await seedSessions(database, 'outlived', 1, {
          revoked_at: `now() - interval '8 days'`,
          access_tokens_expire_at: `now() + interval '1 hour'`,
        });
        t.equal((await sweeper.sweep()).sessions, 0);
      },
    );

    t.test('a live session keeps its latest 100 generations', async (t) => {
      await seedSessions(database, 'busy', 1, { generation: '2500' });
      await database.prisma.$executeRawUnsafe(`
        INSERT INTO refresh_tokens (session_id, generation)
        SELECT id, generate_series(0, 2500) FROM sessions WHERE label = 'busy'`);

      t.equal((await sweeper.sweep()).generations, 2401);
      const ofBusy = `refresh_tokens JOIN sessions s ON s.id = session_id WHERE s.label = 'busy'`;
      t.equal(await count(database, ofBusy), 100);
      t.equal(await count(database, `${ofBusy} AND refresh_tokens.generation = 2500`), 1);
    });

    t.test('expired revocations and audit events past their retention go, the others stay', async (t) => {
      await database.prisma.$executeRawUnsafe(`
        INSERT INTO revocations (type, value, reason, expires_at)
        SELECT 'jti', n::text, 'revoked', now() + CASE WHEN n <= 1500 THEN interval '-1 second' ELSE interval '1 hour' END
        FROM generate_series(1, 1502) n`);
      await database.prisma.$executeRawUnsafe(`
        INSERT INTO audit_events (type, at)
        SELECT 'login', now() - CASE WHEN n <= 1500 THEN interval '91 days' ELSE interval '89 days' END
        FROM generate_series(1, 1502) n`);

      const swept = await sweeper.sweep();

      t.equal(swept.revocations, 1500);
      t.equal(swept.auditEvents, 1500);
      t.equal(await count(database, 'revocations'), 2);
      t.equal(await count(database, 'audit_events'), 2);
    });

    t.test('sweepers at the same time do each thing once', async (t) => {
      await seedSessions(database, 'shared', 600, { idle_expires_at: `now() - interval '8 days'` });
      const sweepers = [1, 2, 3].map(() => new Sweeper(database, settings, log));
      const swept = await Promise.all(sweepers.map((each) => each.sweep()));
      const again = await sweeper.sweep();
      const total = [...swept, again].reduce((sum, { sessions }) => sum + sessions, 0);
      t.equal(total, 600);
      t.equal(await count(database, `sessions WHERE label = 'shared'`), 0);
    });

    t.test('networks without a login for half a year are forgotten', async (t) => {
      const { id } = await seedUser(database);
      await database.prisma.$executeRawUnsafe(`
        INSERT INTO known_networks (user_id, network, last_login_at)
        SELECT '${id}', int4send(days), now() - make_interval(days => days)
        FROM generate_series(170, 189) AS days`);
      const { knownNetworks } = await sweeper.sweep();
      t.equal(knownNetworks, 10);
      t.equal(await count(database, 'known_networks'), 10);
    });

    t.test('a stopped sweeper has no statement running', async (t) => {
      const stopped = new Sweeper(database, settings, log);
      stopped.start();
      await stopped.stop();
      const nothing = { sessions: 0, generations: 0, revocations: 0, auditEvents: 0, knownNetworks: 0 };
      t.same(await stopped.sweep(), nothing);
    });
  });
}
