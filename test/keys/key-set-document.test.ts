import t from 'tap';
import { revokeKey, rotateKeys } from '../../src/admin/keys.js';
import { admin, fileStore, openRing, SECOND, temporaryDirectory, testClock } from './support.js';

t.test('RFC 7517 §4: each key has kid, alg and use, and only public members', async (t) => {
  const store = fileStore(await temporaryDirectory(t));
  const ring = await openRing(store);
  t.teardown(() => ring.close());
  await rotateKeys(admin(store), { alg: 'RS256', force: true });
  await ring.reload();
  const { keys }: { keys: Record<string, string>[] } = JSON.parse(ring.jwks().body);
  const members = keys.map((key) => Object.keys(key).sort().join(' '));
  t.strictSame(members, ['alg crv kid kty use x y', 'alg e kid kty n use', 'alg e kid kty n use']);
  t.ok(keys.every((key) => key.use === 'sig'));
});

t.test('the document and its entity tag change with the set of keys, and only with it', async (t) => {
  const clock = testClock();
  const store = fileStore(await temporaryDirectory(t), clock);
  const ring = await openRing(store, { clock });
  t.teardown(() => ring.close());
  const first = ring.jwks();
  clock.nowMs += 900 * SECOND;
  t.equal(ring.jwks().body, first.body);
  t.equal(ring.jwks().etag, first.etag);
  await rotateKeys(admin(store, { clock }), {});
  await ring.reload();
  const rotated = ring.jwks();
  t.not(rotated.etag, first.etag);
  t.ok(rotated.body.startsWith(first.body.slice(0, -2)), 'what was published keeps its place');
  await revokeKey(admin(store, { clock }), ring.signer().kid);
  await ring.reload();
  t.not(ring.jwks().etag, rotated.etag);
});

t.test('two servers publish the same document', async (t) => {
  const directory = await temporaryDirectory(t);
  const rings = await Promise.all([openRing(fileStore(directory)), openRing(fileStore(directory))]);
  t.teardown(() => Promise.all(rings.map((ring) => ring.close())));
  t.strictSame(rings[0]?.jwks(), rings[1]?.jwks());
});

t.test('max-age is the permitted age, and never outlives the next change of the set', async (t) => {
  const clock = testClock();
  const store = fileStore(await temporaryDirectory(t), clock);
  const ring = await openRing(store, { clock });
  t.teardown(() => ring.close());
  t.equal(ring.jwks().maxAgeSeconds, 300);
  clock.nowMs += 900 * SECOND;
  await rotateKeys(admin(store, { clock }), {});
  await ring.reload();
  t.equal(ring.jwks().maxAgeSeconds, 300);
  clock.nowMs += 900 * SECOND;
  t.equal(ring.jwks().maxAgeSeconds, 33);
  clock.nowMs += 33 * SECOND - 1;
  t.equal(ring.jwks().maxAgeSeconds, 0);
});

t.test('max-age ends at the automatic rotation', async (t) => {
  const clock = testClock();
  const settings = { keyRotationIntervalSeconds: 1000 };
  const ring = await openRing(fileStore(await temporaryDirectory(t), clock), { clock, settings });
  t.teardown(() => ring.close());
  clock.nowMs += 950 * SECOND;
  t.equal(ring.jwks().maxAgeSeconds, 50);
});

t.test(
  'where publish-ahead is no longer than the permitted age, max-age leaves time for every server to publish',
  async (t) => {
    const settings = { jwksMaxAgeSeconds: 300, keyPublishAheadSeconds: 300 };
    const ring = await openRing(fileStore(await temporaryDirectory(t)), { settings });
    t.teardown(() => ring.close());
    t.equal(ring.jwks().maxAgeSeconds, 297);
  },
);
