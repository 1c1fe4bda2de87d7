import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { moveKeys, reencryptKeys, rotateKeys } from '../../src/admin/keys.js';
import { needs, openTestDatabase, runSql, testDatabase } from '../support/services.js';
import { StallingProxy } from '../support/stalling-proxy.js';
import { shortest } from '../support/undisturbed.js';
import { databaseStore, newEncryptionKey } from './database.js';
import { admin, eventually, fileStore, openRing, temporaryDirectory, testLog } from './support.js';

const options = needs('postgres');

async function setUp(t: { teardown(fn: () => Promise<void>): unknown }) {
  const url = await testDatabase(t);
  const database = openTestDatabase(url);
  t.teardown(() => database.close());
  return { url, database, key: newEncryptionKey() };
}

t.test('the database holds no private key and no secret that it could read', options, async (t) => {
  const { database, key } = await setUp(t);
  const store = databaseStore(database, key);
  await (await openRing(store)).close();
  const secret = await store.secret('refresh-token');
  const records = await database.prisma.keyRecord.findMany();
  const { privateKeys } = await store.load();
  const dump = JSON.stringify(records);
  for (const { d } of privateKeys.values()) t.notOk(dump.includes(String(d)));
  t.notOk(dump.includes(secret.toString('base64url')));
  t.match(records.find((record) => record.encrypted)?.encrypted, /^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
});

t.test('with another KEY_ENCRYPTION_KEY the server does not start, and says why', options, async (t) => {
  const { database, key } = await setUp(t);
  await (await openRing(databaseStore(database, key))).close();
  const other = databaseStore(database, newEncryptionKey());
  await t.rejects(openRing(other), {
    name: 'UnusableKeysError',
    message: /encrypted with another key than KEY_ENCRYPTION_KEY/,
  });
});

t.test('after an outage nothing is signed before it is known which key signs now', options, async (t) => {
  const { url: direct, database, key } = await setUp(t);
  const { proxy, url } = await StallingProxy.start(t, direct);
  const behindProxy = openTestDatabase(url);
  t.teardown(() => behindProxy.close());
  const ring = await openRing(databaseStore(behindProxy, key));
  t.teardown(() => ring.close());
  const before = ring.signer().kid;
  proxy.stall();
  await sleep(3_500);
  t.match(await rotateKeys(admin(databaseStore(database, key)), { force: true }), { outcome: 'rotated' });
  t.ok((await shortest(() => ring.upToDate(), 2_500)) < 2_500, 'signing does not wait for long');
  t.equal(ring.signer().kid, before, 'and goes on');
  proxy.resume();
  await eventually(async () => {
    await ring.upToDate();
    return ring.signer().kid !== before;
  });
});

t.test('an encrypted key cannot be passed off as another', options, async (t) => {
  const { url, database, key } = await setUp(t);
  const store = databaseStore(database, key);
  const ring = await openRing(store);
  const { kid } = ring.signer();
  await ring.close();
  await runSql(
    url,
    `UPDATE key_records SET encrypted = (SELECT encrypted FROM key_records WHERE name LIKE 'key:%' AND name <> 'key:${kid}')
     WHERE name = 'key:${kid}'`,
  );
  t.match((await store.load()).problems, [{ kid, message: 'was encrypted for another record' }]);
});

t.test(
  'keys are re-encrypted under a new key while servers run, and the old one is needed no more',
  options,
  async (t) => {
    const { database, key } = await setUp(t);
    const ring = await openRing(databaseStore(database, key));
    await databaseStore(database, key).secret('refresh-token');
    const newKey = newEncryptionKey();
    const both = databaseStore(database, newKey, key);
    t.match(await reencryptKeys(both), { outcome: 'done', reencrypted: 3, current: 0 });
    t.match(await reencryptKeys(both), { outcome: 'done', reencrypted: 0, current: 3 });
    const rotated = databaseStore(database, newKey);
    t.strictSame((await rotated.load()).problems, []);
    t.equal((await rotated.secret('refresh-token')).length, 32);
    await ring.reload();
    t.ok(await ring.signer().sign({}), 'a server that still has only the old key signs on');
    await ring.close();
  },
);

t.test('without the previous key nothing is re-encrypted, and each record is named', options, async (t) => {
  const { database, key } = await setUp(t);
  await (await openRing(databaseStore(database, key))).close();
  const result = await reencryptKeys(databaseStore(database, newEncryptionKey()));
  t.match(result, { outcome: 'incomplete', reencrypted: 0, message: /the record key:es256-/ });
});

t.test(
  'keys move from files to the database and back with everything that they sign for',
  options,
  async (t) => {
    const { database, key } = await setUp(t);
    const directory = await temporaryDirectory(t);
    const inFiles = fileStore(directory);
    const inDatabase = databaseStore(database, key);
    const before = await openRing(inFiles);
    const secret = await inFiles.secret('refresh-token');
    const token = before.jwks();

    t.match(await moveKeys(inFiles, inDatabase), { outcome: 'moved', message: /restart each/ });
    const after = await openRing(inDatabase);
    t.equal(after.signer().kid, before.signer().kid);
    t.strictSame(after.jwks(), token);
    t.strictSame(await inDatabase.secret('refresh-token'), secret);
    const leftBehind = (await readdir(directory)).filter((name) => !/^key-set\.|\.instance$/.test(name));
    t.same(leftBehind, [], 'no private key and no secret stays behind');

    await before.reload();
    t.ok(await before.signer().sign({}), 'a server on the old home signs on');
    await t.rejects(openRing(inFiles), { message: /were moved to the database: set KEY_STORE/ });
    t.match(await rotateKeys(admin(inFiles), { force: true }), { outcome: 'unusable', message: /moved to/ });

    t.match(await moveKeys(inDatabase, inFiles), { outcome: 'moved' });
    const encrypted = await database.prisma.keyRecord.count({ where: { encrypted: { not: null } } });
    t.equal(encrypted, 0, 'nor in the database');
    const back = await openRing(inFiles);
    t.strictSame(back.jwks(), token);
    for (const ring of [before, after, back]) await ring.close();
  },
);

t.test('a move that was killed before it had tidied up is finished by repeating it', options, async (t) => {
  const { database, key } = await setUp(t);
  const directory = await temporaryDirectory(t);
  const inFiles = fileStore(directory);
  await (await openRing(inFiles)).close();
  const secret = await inFiles.secret('refresh-token');
  const names = await readdir(directory);
  const secrets = names.filter((name) => /^es256-|\.secret$/.test(name));
  const kept = await Promise.all(secrets.map((name) => readFile(join(directory, name))));
  const inDatabase = databaseStore(database, key);
  await moveKeys(inFiles, inDatabase);
  const kids = (await inDatabase.load()).keys.map((each) => each.kid);
  for (const [index, name] of secrets.entries())
    await writeFile(join(directory, name), kept[index] ?? '', { mode: 0o600 });
  const repeated = await moveKeys(inFiles, inDatabase);
  t.match(repeated, {
    outcome: 'moved',
    kids,
    message: /Nothing .* is left/,
  });
  t.same(
    (await readdir(directory)).filter((name) => secrets.includes(name)),
    [],
  );
  t.same(await inDatabase.secret('refresh-token'), secret);
});

t.test('a move onto keys that are there already, or of damaged keys, is refused', options, async (t) => {
  const { database, key } = await setUp(t);
  const inFiles = fileStore(await temporaryDirectory(t));
  const inDatabase = databaseStore(database, key);
  for (const store of [inFiles, inDatabase]) await (await openRing(store)).close();
  t.match(await moveKeys(inFiles, inDatabase), { outcome: 'refused', message: /already/ });
  const unreadable = databaseStore(database, newEncryptionKey());
  const empty = fileStore(await temporaryDirectory(t));
  t.match(await moveKeys(unreadable, empty), { outcome: 'refused', message: /damaged/ });
});

t.test(
  'a server signs on while the database is away, and follows it again afterwards',
  options,
  async (t) => {
    const { url, database, key } = await setUp(t);
    const log = testLog();
    const ring = await openRing(databaseStore(database, key), { log });
    await runSql(url, 'ALTER TABLE key_records RENAME TO key_records_away');
    await ring.reload();
    t.ok(await ring.signer().sign({}));
    t.match(log.lines.at(-1), /signing on with the keys in memory/);
    await runSql(url, 'ALTER TABLE key_records_away RENAME TO key_records');
    // Before the rotation: the ring may take it up by itself.
    const before = ring.signer().kid;
    await rotateKeys(admin(databaseStore(database, key)), { force: true });
    await ring.reload();
    t.not(ring.signer().kid, before);
    await ring.close();
  },
);
