import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { checkKeys, rotateKeys } from '../../src/admin/keys.js';
import type { InstanceReport, KeyStore } from '../../src/keys/key-store.js';
import { nextKey } from '../../src/keys/signing-key.js';
import { atBest } from '../support/undisturbed.js';
import { admin, fileStore, openRing, SECOND, temporaryDirectory } from './support.js';

/** A home with keys that a server has just left. */
async function setUp(t: { teardown(fn: () => Promise<void>): unknown }) {
  const directory = await temporaryDirectory(t);
  const store = fileStore(directory);
  await (await openRing(store)).close();
  return { directory, store };
}

/** What a running server would report, but for the difference. */
async function report(store: KeyStore, difference: Partial<InstanceReport>): Promise<void> {
  const [last] = await store.instances();
  if (!last) throw new Error('no server has reported');
  const { recordedAtMs: _, ...itsReport } = last;
  await store.report({ ...itsReport, reportedAtMs: Date.now(), stoppedAtMs: null, ...difference });
}

async function reportAndCheck(store: KeyStore, difference: () => Partial<InstanceReport>) {
  const startedAt = performance.now();
  await report(store, difference());
  const seconds = (performance.now() - startedAt) / SECOND;
  return { seconds, checked: await checkKeys(admin(store)) };
}

t.test('nothing is wrong with fresh keys and a server that runs on them', async (t) => {
  const { store } = await setUp(t);
  const { checked } = await atBest(
    () => reportAndCheck(store, () => ({})),
    ({ seconds }) => seconds < 1,
  );
  t.match(checked, { ok: true, problems: [], warnings: [] });
  t.equal((await checkKeys(admin(store))).instances.length, 1);
});

t.test('a home without keys is a problem', async (t) => {
  const store = fileStore(await temporaryDirectory(t));
  t.match(await checkKeys(admin(store)), { ok: false, problems: [/There are no keys in files in/] });
});

t.test('a next key that cannot sign is a problem, and the message says how to replace it', async (t) => {
  const { directory, store } = await setUp(t);
  const next = nextKey((await store.load()).keys, Date.now());
  await rm(join(directory, `${next?.kid}.json`));
  t.match(await checkKeys(admin(store)), {
    ok: false,
    problems: [
      /is missing/,
      `The next key ${next?.kid} cannot sign: \`keyturn keys revoke ${next?.kid}\` replaces it.`,
    ],
  });
});

t.test('a server that works with other keys than those in the home is a problem', async (t) => {
  const { store } = await setUp(t);
  await report(store, {});
  await rotateKeys(admin(store), { force: true });
  t.match(await checkKeys(admin(store)), {
    ok: false,
    problems: [/works with revision 2 of the keys instead of 3/],
  });
});

t.test('servers that sign with different keys are a problem', async (t) => {
  const { store } = await setUp(t);
  await report(store, {});
  await report(store, { instanceId: 'another', signingKid: 'another-key' });
  t.match(await checkKeys(admin(store)), {
    ok: false,
    problems: [/sign with different keys: .*another-key/],
  });
});

t.test('a server without a key to sign with is a problem', async (t) => {
  const { store } = await setUp(t);
  await report(store, { signingKid: null });
  t.match(await checkKeys(admin(store)), { ok: false, problems: [/has no key to sign with/] });
});

t.test('a clock that is wrong is a warning within the tolerance and a problem beyond it', async (t) => {
  const { store } = await setUp(t);
  const offBy = (seconds: number) =>
    atBest(
      () => reportAndCheck(store, () => ({ reportedAtMs: Date.now() + seconds * SECOND })),
      // A report that is recorded later than it was made is the clock's difference as well.
      (measured) => measured.seconds < 0.4,
    );
  t.match((await offBy(-10)).checked, { ok: true, warnings: [/differs by 10 s/] });
  t.match((await offBy(60)).checked, { ok: false, problems: [/a clock that is wrong by 60 s/] });
});

t.test('a server that stopped in order, or long ago, disagrees with nobody', async (t) => {
  const { store } = await setUp(t);
  await report(store, { revision: 1, stoppedAtMs: Date.now() });
  t.match(await checkKeys(admin(store)), { ok: true, instances: [] });
  await report(store, { revision: 1 });
  const later = () => Date.now() + 120 * SECOND;
  t.match(await checkKeys(admin(store, { clock: later })), { ok: true, instances: [] });
});

t.test('an automatic rotation that nobody does is a problem', async (t) => {
  const { store } = await setUp(t);
  const settings = { keyRotationIntervalSeconds: 3600 };
  const later = () => Date.now() + 3800 * SECOND;
  t.match(await checkKeys(admin(store, { settings, clock: later })), {
    ok: false,
    problems: [/has been due since/],
  });
});

t.test('a SIGNING_ALG that is not the active key’s is worth knowing', async (t) => {
  const { store } = await setUp(t);
  const settings = { signingAlg: 'RS256' } as const;
  t.match(await checkKeys(admin(store, { settings })), { ok: true, warnings: [/rotate --alg RS256/] });
});
