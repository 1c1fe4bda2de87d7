/** One suite for both homes of the keys: whatever the server relies on holds in each. */
import { setImmediate as immediate } from 'node:timers/promises';
import t from 'tap';
import { rotateKeys } from '../../src/admin/keys.js';
import type { KeyStore } from '../../src/keys/key-store.js';
import { needs, openTestDatabase, testDatabase } from '../support/services.js';
import { databaseStore, newEncryptionKey } from './database.js';
import { admin, fileStore, inState, openRing, temporaryDirectory } from './support.js';

interface Home {
  /** Another process's view of the same home. */
  open(): KeyStore;
}

async function files(t: Tap): Promise<Home> {
  const directory = await temporaryDirectory(t);
  return { open: () => fileStore(directory) };
}

async function database(t: Tap): Promise<Home> {
  const url = await testDatabase(t);
  const key = newEncryptionKey();
  const databases = [openTestDatabase(url), openTestDatabase(url)];
  t.teardown(() => Promise.all(databases.map((one) => one.close())).then(() => {}));
  let opened = 0;
  return {
    open: () => {
      const [first, second] = databases;
      const turn = opened++ % 2 === 0 ? first : second;
      if (!turn) throw new Error('no database');
      return databaseStore(turn, key);
    },
  };
}

/** Commits the keys as they are as soon as somebody else has made a revision after `revision`. */
async function touchAfter(store: KeyStore, revision: number): Promise<'committed' | 'conflict'> {
  while ((await store.revision()) === revision) await immediate();
  const { revision: expectedRevision, keys } = await store.load();
  return store.commit({ expectedRevision, keys, newPrivateKeys: new Map() });
}

type Tap = { teardown(fn: () => Promise<void>): unknown };

const homes: [name: string, home: (t: Tap) => Promise<Home>, options: { skip?: string }][] = [
  ['files', files, {}],
  ['database', database, needs('postgres')],
];

for (const [name, makeHome, options] of homes) {
  t.test(`keys in ${name}`, options, async (t) => {
    t.test('servers that start together on an empty home agree on one pair of keys', async (t) => {
      const home = await makeHome(t);
      const rings = await Promise.all(Array.from({ length: 8 }, () => openRing(home.open())));
      t.equal(new Set(rings.map((ring) => ring.signer().kid)).size, 1);
      t.equal(new Set(rings.map((ring) => ring.jwks().body)).size, 1);
      t.equal((await home.open().load()).keys.length, 2);
      for (const ring of rings) await ring.close();
    });

    t.test('of several writers on one revision exactly one wins, the others hear of it', async (t) => {
      const home = await makeHome(t);
      await (await openRing(home.open())).close();
      const { revision, keys } = await home.open().load();
      const writers = Array.from({ length: 20 }, () =>
        home.open().commit({ expectedRevision: revision, keys, newPrivateKeys: new Map() }),
      );
      const outcomes = await Promise.all(writers);
      t.equal(outcomes.filter((outcome) => outcome === 'committed').length, 1);
      t.equal(await home.open().revision(), revision + 1);
    });

    t.test('a change that another builds upon at once stays, with its keys', async (t) => {
      const home = await makeHome(t);
      await (await openRing(home.open())).close();
      for (let round = 0; round < 20; round += 1) {
        const before = await home.open().revision();
        const [rotated, built] = await Promise.all([
          rotateKeys(admin(home.open()), { force: true }),
          touchAfter(home.open(), before),
        ]);
        t.equal(rotated.outcome, 'rotated');
        t.equal(built, 'committed');
        const { keys, privateKeys, problems } = await home.open().load();
        t.strictSame([privateKeys.size, problems], [keys.length, []]);
      }
    });

    t.test('of simultaneous rotations one wins, and one active and one next key remain', async (t) => {
      const home = await makeHome(t);
      const ring = await openRing(home.open());
      const results = await Promise.all(
        Array.from({ length: 20 }, () => rotateKeys(admin(home.open()), { force: true })),
      );
      const outcomes = results.map((result) => result.outcome);
      t.ok(outcomes.includes('rotated'));
      t.ok(outcomes.every((outcome) => outcome === 'rotated' || outcome === 'conflict'));
      const { keys, privateKeys, problems } = await home.open().load();
      t.equal(inState(keys, 'active', Date.now()).length, 1);
      t.equal(inState(keys, 'next', Date.now()).length, 1);
      t.equal(keys.length, 2 + outcomes.filter((outcome) => outcome === 'rotated').length);
      t.strictSame([privateKeys.size, problems], [keys.length, []]);
      await ring.close();
    });

    t.test('what is written is what is read', async (t) => {
      const home = await makeHome(t);
      await (await openRing(home.open())).close();
      await rotateKeys(admin(home.open()), { alg: 'RS256', atSafeTime: true });
      const [one, other] = await Promise.all([home.open().load(), home.open().load()]);
      t.strictSame(one, other);
      t.equal(one.keys.length, 3);
      t.ok(one.keys.every((key) => one.privateKeys.get(key.kid)?.kid === key.kid));
    });

    t.test('the private half of a revoked key is destroyed', async (t) => {
      const home = await makeHome(t);
      const ring = await openRing(home.open());
      const store = home.open();
      const { revision, keys } = await store.load();
      const revoked = keys.map((key, index) => (index === 1 ? { ...key, revokedAtMs: Date.now() } : key));
      await store.commit({ expectedRevision: revision, keys: revoked, newPrivateKeys: new Map() });
      const before = { expectedRevision: revision + 1, keys, newPrivateKeys: new Map() };
      await store.commit(before);
      const after = await store.load();
      t.notOk(after.privateKeys.has(keys[1]?.kid ?? ''));
      t.match(after.problems, [{ kid: keys[1]?.kid }]);
      await ring.close();
    });

    t.test('a secret is made once, however many ask at once, and is the same ever after', async (t) => {
      const home = await makeHome(t);
      const asked = await Promise.all(Array.from({ length: 12 }, () => home.open().secret('refresh-token')));
      t.equal(new Set(asked.map((secret) => secret.toString('hex'))).size, 1);
      t.equal(asked[0]?.length, 32);
      t.strictSame(await home.open().secret('refresh-token'), asked[0]);
      t.notSame(await home.open().secret('another'), asked[0]);
      t.strictSame([...(await home.open().secrets()).keys()].sort(), ['another', 'refresh-token']);
    });

    t.test('servers report, and a later report replaces an earlier one', async (t) => {
      const home = await makeHome(t);
      const startedAt = performance.now();
      const rings = await Promise.all([openRing(home.open()), openRing(home.open())]);
      for (const ring of rings) await ring.signer().sign({});
      for (const ring of rings) await ring.close();
      const reports = await home.open().instances();
      t.equal(reports.length, 2);
      const takenMs = performance.now() - startedAt;
      for (const report of reports) {
        t.match(report.usage, [{ kid: report.signingKid, unexpired: [{ count: 1 }] }]);
        t.ok(Math.abs(report.recordedAtMs - report.reportedAtMs) < 2000 + takenMs);
        t.type(report.stoppedAtMs, 'number');
      }
    });
  });
}
