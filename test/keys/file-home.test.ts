import { chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { checkKeys, rotateKeys } from '../../src/admin/keys.js';
import { shortest } from '../support/undisturbed.js';
import { admin, eventually, fileStore, openRing, temporaryDirectory, testLog } from './support.js';

/** The path of the active key's file, of which the private member is in no message. */
async function activeKeyFile(directory: string): Promise<{ path: string; secret: string }> {
  const ring = await openRing(fileStore(directory));
  const path = join(directory, `${ring.signer().kid}.json`);
  await ring.close();
  const { d }: { d: string } = JSON.parse(await readFile(path, 'utf8'));
  return { path, secret: d };
}

t.test('every file is 0600 in a directory that is 0700', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = fileStore(directory);
  await store.secret('refresh-token');
  await (await openRing(store)).close();
  t.equal((await stat(directory)).mode & 0o777, 0o700);
  const names = await readdir(directory);
  t.ok(names.length >= 5);
  for (const name of names) t.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
});

t.test('a directory without keys, as in a fresh clone, is closed to others at the first start', async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(directory, { mode: 0o755 });
  await writeFile(join(directory, 'README.md'), 'Keys live here.');
  await (await openRing(fileStore(directory))).close();
  t.equal((await stat(directory)).mode & 0o777, 0o700);
});

t.test('a directory that was opened to others is refused, with the command that closes it', async (t) => {
  const directory = await temporaryDirectory(t);
  await activeKeyFile(directory);
  await chmod(directory, 0o755);
  await t.rejects(openRing(fileStore(directory)), {
    message: /open to others \(mode 0755\): run `chmod 700 /,
  });
  t.match(await checkKeys(admin(fileStore(directory))), { ok: false, problems: [/chmod 700/] });
});

t.test('a key file that others can read is refused, with the command that closes it', async (t) => {
  const directory = await temporaryDirectory(t);
  const { path } = await activeKeyFile(directory);
  await chmod(path, 0o644);
  await t.rejects(openRing(fileStore(directory)), { message: new RegExp(`run \`chmod 600 ${path}\``) });
  const { ok, problems } = await checkKeys(admin(fileStore(directory)));
  t.match({ ok, problems }, { ok: false, problems: [/chmod 600/, /cannot sign: that comes first/] });
  t.notMatch(problems.join(), /--force/, 'no key is replaced for what a chmod cures');
  await t.rejects(openRing(fileStore(directory)), { message: /^(?!.*--force)/s });
});

const damages: [name: string, damage: (path: string) => Promise<void>][] = [
  ['truncated', (path) => truncate(path, 120)],
  ['empty', (path) => truncate(path, 0)],
  ['overwritten', (path) => writeFile(path, 'not json')],
  ['missing', (path) => rm(path)],
];

for (const [name, damage] of damages) {
  t.test(`a key file that is ${name} is named, never quoted, and a running server signs on`, async (t) => {
    const directory = await temporaryDirectory(t);
    const { path, secret } = await activeKeyFile(directory);
    const log = testLog();
    const ring = await openRing(fileStore(directory), { log });
    t.teardown(() => ring.close());
    const { kid } = ring.signer();
    await damage(path);
    await rotateKeys(admin(fileStore(directory)), { atSafeTime: true });
    await ring.reload();
    t.equal(ring.signer().kid, kid);
    t.ok(await ring.signer().sign({}));
    t.ok(log.lines.some((line) => line.includes(path)));
    t.notOk(log.lines.some((line) => line.includes(secret.slice(0, 12))));
    await t.rejects(openRing(fileStore(directory)), { name: 'UnusableKeysError', message: new RegExp(path) });
  });
}

t.test('a next key that is damaged is joined by one that can sign', async (t) => {
  const directory = await temporaryDirectory(t);
  await activeKeyFile(directory);
  const { keys } = await fileStore(directory).load();
  const next = keys.find((key) => key.activatesAtMs === null);
  await truncate(join(directory, `${next?.kid}.json`), 0);
  const ring = await openRing(fileStore(directory));
  t.teardown(() => ring.close());
  await eventually(async () => (await fileStore(directory).load()).keys.length === 3);
  const settled = (await fileStore(directory).load()).keys.length;
  await ring.reload();
  t.equal((await fileStore(directory).load()).keys.length, settled, 'by one, and not by more');
});

t.test('with the active key lost, a forced rotation lets the server start again', async (t) => {
  const directory = await temporaryDirectory(t);
  const { path } = await activeKeyFile(directory);
  await rm(path);
  t.match(await rotateKeys(admin(fileStore(directory)), { force: true }), { outcome: 'rotated' });
  const ring = await openRing(fileStore(directory));
  t.ok(await ring.signer().sign({}));
  await ring.close();
});

t.test('a damaged description of the keys is named, and the one before is used', async (t) => {
  const directory = await temporaryDirectory(t);
  const { path } = await activeKeyFile(directory);
  await rotateKeys(admin(fileStore(directory)), { force: true });
  const newest =
    (await readdir(directory))
      .filter((name) => name.startsWith('key-set.'))
      .sort()
      .at(-1) ?? '';
  await truncate(join(directory, newest), 40);
  const log = testLog();
  const ring = await openRing(fileStore(directory), { log });
  t.equal(path, join(directory, `${ring.signer().kid}.json`));
  t.ok(log.lines.some((line) => line.includes(newest)));
  t.match(await rotateKeys(admin(fileStore(directory)), { force: true }), { outcome: 'rotated' });
  await ring.close();
});

t.test('with no description left that can be read, the server does not start, and names them', async (t) => {
  const directory = await temporaryDirectory(t);
  await activeKeyFile(directory);
  const descriptions = (await readdir(directory)).filter((name) => name.startsWith('key-set.'));
  for (const name of descriptions) await truncate(join(directory, name), 3);
  await t.rejects(openRing(fileStore(directory)), { message: /key-set\.000002\.json is not valid JSON/ });
});

t.test('over private keys whose description is lost no new keys are made', async (t) => {
  const directory = await temporaryDirectory(t);
  await activeKeyFile(directory);
  for (const name of await readdir(directory))
    if (name.startsWith('key-set.')) await rm(join(directory, name));
  await t.rejects(openRing(fileStore(directory)), { message: /restore it from a backup/ });
});

t.test('a running server signs on though the directory is gone, and says so once', async (t) => {
  const directory = await temporaryDirectory(t);
  const log = testLog();
  const ring = await openRing(fileStore(directory), { log });
  await rm(directory, { recursive: true });
  await ring.reload();
  await ring.reload();
  t.ok(await ring.signer().sign({}));
  t.equal(log.lines.filter((line) => line.includes('keys in memory')).length, 1);
  await ring.close();
});

t.test('another process’s rotation is taken up within two seconds', async (t) => {
  const directory = await temporaryDirectory(t);
  const ring = await openRing(fileStore(directory));
  t.teardown(() => ring.close());
  const takenUp = async () => {
    const before = ring.signer().kid;
    await rotateKeys(admin(fileStore(directory)), { force: true });
    await eventually(() => ring.signer().kid !== before);
  };
  t.ok((await shortest(takenUp, 2_000)) < 2_000);
});

t.test('what a killed process left behind is removed once no living one can need it', async (t) => {
  const directory = await temporaryDirectory(t);
  await activeKeyFile(directory);
  await writeFile(join(directory, '.4711.tmp'), 'half', { mode: 0o600 });
  await writeFile(join(directory, 'es256-never-used.json'), '{}', { mode: 0o600 });
  await rotateKeys(admin(fileStore(directory)), { force: true });
  t.ok((await readdir(directory)).includes('.4711.tmp'));
  const later = () => Date.now() + 3_600_000;
  await rotateKeys(admin(fileStore(directory, later)), { force: true });
  const names = await readdir(directory);
  t.notOk(names.includes('.4711.tmp'));
  t.notOk(names.includes('es256-never-used.json'));
});

t.test('a damaged secret is named and not replaced', async (t) => {
  const directory = await temporaryDirectory(t);
  const store = fileStore(directory);
  await store.secret('refresh-token');
  await truncate(join(directory, 'refresh-token.secret'), 10);
  await t.rejects(store.secret('refresh-token'), { message: /refresh-token\.secret is damaged/ });
});
