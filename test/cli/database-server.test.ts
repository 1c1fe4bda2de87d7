import t from 'tap';
import { serverSettings } from '../support/server.js';
import { startServerProcess } from '../support/server-process.js';
import { needs, testDatabase } from '../support/services.js';
import { keyturnHere, keyturnJson } from './keyturn.js';

t.test('PostgreSQL', needs('postgres'), async (t) => {
  t.test(
    'an unmigrated database is refused with what to do; migrate does it, twice at once is once',
    async (t) => {
      const settings = await serverSettings(t);
      const environment = { ...settings, DATABASE_URL: await testDatabase(t, { migrated: false }) };
      t.match(await keyturnHere(['users', 'list'], { environment }), { code: 1, stderr: 'keyturn migrate' });
      t.match(await keyturnJson(['doctor'], { environment }), { code: 1, result: { ok: false } });
      const runs = await Promise.all([1, 2].map(() => keyturnJson(['migrate'], { environment })));
      t.same(
        runs.map(({ code }) => code),
        [0, 0],
      );
      const applied = runs.map(({ result }) => (result.applied as string[]).length);
      t.ok(Math.min(...applied) === 0 && Math.max(...applied) > 0);
      t.match(await keyturnHere(['users', 'list'], { environment }), { code: 0 });
    },
  );

  t.test('a database that is away: keys in files can still be looked at and withdrawn', async (t) => {
    const settings = await serverSettings(t);
    const server = await startServerProcess(t, { settings: { KEYS_DIR: settings.KEYS_DIR ?? '' } });
    await server.stop();
    const away = 'postgres://nobody@127.0.0.1:1/none';
    const environment = { ...settings, DATABASE_URL: away };
    t.match(await keyturnHere(['users', 'list'], { environment }), { code: 1, stderr: 'ECONNREFUSED' });
    const { result } = await keyturnJson(['keys', 'list'], { environment });
    const [active] = result.keys as { kid: string }[];
    const revoked = await keyturnJson(['keys', 'revoke', active?.kid ?? ''], { environment });
    t.match(revoked, { code: 0, result: { outcome: 'revoked', announced: false } });
    const doctor = await keyturnJson(['doctor'], { environment });
    t.match(doctor, { code: 1, result: { ok: false } });
    t.match(doctor.result.checks, [
      { status: 'ok' },
      {},
      { check: 'database', status: 'fail', advice: String },
    ]);
  });
});
