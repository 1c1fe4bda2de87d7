/** Directories and files that belong to somebody else: refused with what is wrong, and left as they are. */
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { keyturnHere, keyturnJson } from '../cli/keyturn.js';
import { serverSettings, startInstance, temporaryDirectory } from '../support/server.js';
import type { Scope } from '../support/services.js';

const isRoot = process.getuid?.() === 0;
const somebody = 54_321;

/** Root makes one and gives it away; whoever is not root has one in front of them. */
function foreignDirectory(t: Scope): string {
  if (!isRoot) return '/usr';
  const path = join(temporaryDirectory(t), 'theirs');
  mkdirSync(path, { mode: 0o755 });
  chownSync(path, somebody, somebody);
  return path;
}

function look(path: string) {
  const { mode, uid } = statSync(path);
  return { mode, uid, names: readdirSync(path) };
}

for (const setting of ['DATA_DIR', 'KEYS_DIR']) {
  t.test(`a ${setting} that belongs to another user is refused, and not changed`, async (t) => {
    const theirs = foreignDirectory(t);
    const before = look(theirs);
    const settings = { ...(await serverSettings(t)), [setting]: theirs };
    await t.rejects(startInstance(settings), { message: new RegExp(`${theirs} belongs to another user`) });
    const doctor = await keyturnJson(['doctor'], { environment: settings });
    t.match(doctor, { code: 1, stdout: /belongs to another user/ });
    t.same(look(theirs), before);
  });
}

t.test('a directory that everybody shares is refused, and not closed to others', async (t) => {
  const shared = join(temporaryDirectory(t), 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  const settings = { ...(await serverSettings(t)), KEYS_DIR: shared };
  await t.rejects(startInstance(settings), { message: /shared is a directory that everybody shares/ });
  t.equal(statSync(shared).mode & 0o7777, 0o1777);
});

t.test('a file among the keys that belongs to another user is refused', { skip: !isRoot }, async (t) => {
  const settings = await serverSettings(t);
  const instance = await startInstance(settings);
  await instance.close();
  const secret = join(settings.KEYS_DIR ?? '', 'refresh-token.secret');
  chownSync(secret, somebody, somebody);
  await t.rejects(startInstance(settings), { message: /refresh-token\.secret belongs to another user/ });
  const listed = await keyturnHere(['keys', 'list'], { environment: settings });
  t.equal(listed.code, 0, 'the keys themselves can be looked at');
  t.equal(statSync(secret).uid, somebody);
});
