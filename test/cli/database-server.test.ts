import { randomBytes } from 'node:crypto';
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

  t.test('keys move to the database and back by one command, and can be encrypted anew', async (t) => {
    const server = await startServerProcess(t, { database: 'postgres' });
    const inFiles = { ...server.settings, KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64url') };
    const inDatabase = { ...inFiles, KEY_STORE: 'database' };
    const kids = async (environment: Record<string, string>) => {
      const { result } = await keyturnJson(['keys', 'list'], { environment });
      return (result.keys as { kid: string }[]).map(({ kid }) => kid);
    };
    const before = await kids(inFiles);
    const moved = await keyturnJson(['keys', 'move', '--to', 'database'], { environment: inFiles });
    t.match(moved, { code: 0, result: { outcome: 'moved', kids: before } });
    t.same(await kids(inDatabase), before);
    const refused = await keyturnJson(['keys', 'list'], { environment: inFiles });
    t.match(refused, {
      code: 1,
      result: { outcome: 'unusable', error_description: /were moved to the database/ },
    });
    const doctor = await keyturnJson(['doctor'], { environment: inFiles });
    t.match(doctor, { code: 1, result: { ok: false } });
    t.match(await keyturnJson(['keys', 'reencrypt'], { environment: inDatabase }), { code: 0 });
    t.match(await keyturnJson(['keys', 'move', '--to', 'files'], { environment: inDatabase }), { code: 0 });
    t.same(await kids(inFiles), before);
    const { result } = await keyturnJson(['audit', 'list', '--limit', '3'], { environment: inFiles });
    const types = (result.events as { type: string }[]).map(({ type }) => type);
    t.same(types, ['keys_moved', 'keys_reencrypted', 'keys_moved']);
  });

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
