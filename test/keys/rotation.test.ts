import { decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import { listKeys, revokeKey, rotateKeys } from '../../src/admin/keys.js';
import { activeKey } from '../../src/keys/signing-key.js';
import {
  admin,
  type defaults,
  fileStore,
  inState,
  openRing,
  publishedKids,
  SECOND,
  START_MS,
  states,
  temporaryDirectory,
  testClock,
} from './support.js';

/** A server and its admin on a home of their own, with a clock in the hand of the test. */
async function setUp(
  t: { teardown(fn: () => Promise<void>): unknown },
  settings: Partial<typeof defaults> = {},
) {
  const clock = testClock();
  const store = fileStore(await temporaryDirectory(t), clock);
  const ring = await openRing(store, { clock, settings });
  t.teardown(() => ring.close());
  return { clock, store, ring, context: admin(store, { clock, settings }) };
}

t.test('a first start makes a key that signs and a next key that is published already', async (t) => {
  const { ring, store } = await setUp(t);
  const set = await store.load();
  t.strictSame(states(set, START_MS), ['active', 'next']);
  t.equal(publishedKids(ring.jwks().body).length, 2);
  t.equal(ring.signer().kid, set.keys[0]?.kid);
});

t.test(
  'a rotation is refused until the next key has been published long enough, and says when',
  async (t) => {
    const { clock, ring, context } = await setUp(t);
    const before = ring.signer().kid;
    clock.nowMs += 899 * SECOND;
    const refused = await rotateKeys(context, {});
    t.match(refused, {
      outcome: 'refused',
      reason: 'published-too-recently',
      safeAtMs: START_MS + 900 * SECOND,
    });
    t.match(refused.message, /2026-01-15T12:15:00Z \(in 1 s\)/);
    await ring.reload();
    t.equal(ring.signer().kid, before);
    clock.nowMs += SECOND;
    t.match(await rotateKeys(context, {}), { outcome: 'rotated', retiredKid: before, warnings: [] });
    await ring.reload();
    t.not(ring.signer().kid, before);
  },
);

t.test('after a rotation there is one active, one next and one retired key, all published', async (t) => {
  const { clock, ring, store, context } = await setUp(t);
  clock.nowMs += 900 * SECOND;
  const result = await rotateKeys(context, {});
  const set = await store.load();
  t.strictSame(states(set, clock()).sort(), ['active', 'next', 'retired']);
  t.match(result, { promotedKid: activeKey(set.keys, clock())?.kid });
  await ring.reload();
  t.equal(publishedKids(ring.jwks().body).length, 3);
});

t.test(
  'a retired key verifies until the last token that it signed has expired, tolerance included',
  async (t) => {
    const { clock, ring, context } = await setUp(t);
    clock.nowMs += 900 * SECOND;
    const old = ring.signer();
    await rotateKeys(context, {});
    await ring.reload();
    const header = { kid: old.kid, alg: old.alg };
    clock.nowMs += 930 * SECOND;
    t.ok(ring.verificationKey(header));
    t.ok(publishedKids(ring.jwks().body).includes(old.kid));
    clock.nowMs += 4 * SECOND;
    t.throws(() => ring.verificationKey(header), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
    t.notOk(publishedKids(ring.jwks().body).includes(old.kid));
  },
);

t.test('a key answers for tokens that were signed under an earlier, longer lifetime', async (t) => {
  const { clock, store, ring } = await setUp(t, { accessTokenTtlSeconds: 3600 });
  await ring.close();
  clock.nowMs += 900 * SECOND;
  await rotateKeys(admin(store, { clock, settings: { accessTokenTtlSeconds: 60 } }), {});
  const [retired] = inState((await store.load()).keys, 'retired', clock());
  t.ok((retired?.removesAtMs ?? 0) >= clock() + 3630 * SECOND);
});

t.test(
  'a server with a longer token lifetime makes the key answer for it before anything else',
  async (t) => {
    const { clock, store, ring } = await setUp(t, { accessTokenTtlSeconds: 60 });
    const longer = await openRing(store, { clock, settings: { accessTokenTtlSeconds: 7200 } });
    t.teardown(() => longer.close());
    t.same(
      (await store.load()).keys.map((key) => key.longestTokenTtlSeconds),
      [7200, 7200],
    );
    await ring.reload();
  },
);

t.test(
  '--at-safe-time schedules the rotation in the timestamps, and every instance switches by its clock',
  async (t) => {
    const { clock, ring, store, context } = await setUp(t);
    const other = await openRing(store, { clock });
    t.teardown(() => other.close());
    const before = ring.signer().kid;
    clock.nowMs += 60 * SECOND;
    const scheduled = await rotateKeys(context, { atSafeTime: true });
    t.match(scheduled, { outcome: 'scheduled', activatesAtMs: START_MS + 900 * SECOND });
    await Promise.all([ring.reload(), other.reload()]);
    clock.nowMs = START_MS + 900 * SECOND - 1;
    t.strictSame([ring.signer().kid, other.signer().kid], [before, before]);
    clock.nowMs += 1;
    t.not(ring.signer().kid, before);
    t.equal(other.signer().kid, ring.signer().kid);
    t.strictSame(states(await store.load(), clock()).sort(), ['active', 'next', 'retired']);
  },
);

t.test('a second rotation while one is scheduled is refused; by force it happens now, once', async (t) => {
  const { clock, store, context } = await setUp(t);
  const scheduled = await rotateKeys(context, { atSafeTime: true });
  t.match(await rotateKeys(context, { atSafeTime: true }), {
    outcome: 'refused',
    reason: 'already-scheduled',
  });
  t.match(await rotateKeys(context, {}), { outcome: 'refused', reason: 'already-scheduled' });
  const forced = await rotateKeys(context, { force: true });
  t.match(forced, { outcome: 'rotated', activatesAtMs: clock() });
  t.match(forced, { promotedKid: 'promotedKid' in scheduled ? scheduled.promotedKid : '' });
  t.strictSame(states(await store.load(), clock()).sort(), ['active', 'next', 'retired']);
});

t.test('--force promotes at once and says what it costs', async (t) => {
  const { context } = await setUp(t);
  const forced = await rotateKeys(context, { force: true });
  t.match(forced, { outcome: 'rotated', warnings: [/may reject new tokens/] });
  t.match(context.audited, [{ type: 'key_rotated', actor: 'cli' }]);
});

t.test('--alg: ES256 and RS256 keys are published together, and tokens of both verify', async (t) => {
  const { clock, ring, context } = await setUp(t);
  const es256 = await ring.signer().sign({ exp: START_MS / SECOND + 900 });
  t.match(await rotateKeys(context, { alg: 'RS256' }), { outcome: 'refused', reason: 'no-such-next-key' });
  t.match(await rotateKeys(context, { alg: 'RS256', force: true }), { outcome: 'rotated' });
  await ring.reload();
  const rs256 = await ring.signer().sign({ exp: START_MS / SECOND + 900 });
  t.equal(decodeProtectedHeader(rs256).alg, 'RS256');
  for (const token of [es256, rs256]) {
    const verified = await jwtVerify(token, (header) => ring.verificationKey(header), {
      currentDate: new Date(clock()),
    });
    t.equal(verified.protectedHeader.typ, 'at+jwt');
  }
});

t.test(
  '--alg with --at-safe-time publishes a key of that algorithm now and lets it sign later',
  async (t) => {
    const { clock, ring, context } = await setUp(t);
    const result = await rotateKeys(context, { alg: 'RS256', atSafeTime: true });
    t.match(result, { outcome: 'scheduled', warnings: [/SIGNING_ALG is still ES256/] });
    await ring.reload();
    t.match(JSON.parse(ring.jwks().body), { keys: [{ alg: 'ES256' }, { alg: 'RS256' }, { alg: 'RS256' }] });
    clock.nowMs += 900 * SECOND;
    t.equal(ring.signer().alg, 'RS256');
  },
);

t.test('--dry-run tells what every verifier would see and when, and changes nothing', async (t) => {
  const { clock, store, context } = await setUp(t);
  const revision = await store.revision();
  clock.nowMs += 900 * SECOND;
  const result = await rotateKeys(context, { dryRun: true });
  t.equal(await store.revision(), revision);
  if (result.outcome !== 'dry-run') throw new Error(result.message);
  const [now, removal] = result.timeline;
  t.equal(result.timeline.length, 2);
  t.match(now, { atMs: clock(), signingKid: result.promotedKid });
  t.equal(now?.publishedKids.length, 3);
  t.strictSame(removal?.changes, [{ kid: result.retiredKid, state: 'removed' }]);
});

t.test('with an interval exactly one of several servers rotates, when the time has come', async (t) => {
  const settings = { keyRotationIntervalSeconds: 1800 };
  const { clock, ring, store } = await setUp(t, settings);
  const others = await Promise.all([1, 2, 3].map(() => openRing(store, { clock, settings })));
  const rings = [ring, ...others];
  t.teardown(() => Promise.all(others.map((other) => other.close())));
  const before = ring.signer().kid;
  const revision = await store.revision();
  clock.nowMs += 1800 * SECOND - 1;
  await Promise.all(rings.map((one) => one.reload()));
  t.equal(ring.signer().kid, before);
  clock.nowMs += 1;
  await Promise.all(rings.map((one) => one.reload()));
  await Promise.all(rings.map((one) => one.reload()));
  t.equal(await store.revision(), revision + 1);
  t.equal(new Set(rings.map((one) => one.signer().kid)).size, 1);
  t.not(ring.signer().kid, before);
});

t.test(
  'the list says of each key its state, its next step, its last signature and how many tokens depend on it',
  async (t) => {
    const { clock, ring, context } = await setUp(t);
    clock.nowMs += 900 * SECOND;
    for (let i = 0; i < 3; i++) await ring.signer().sign({});
    await rotateKeys(context, {});
    await ring.reload();
    const { keys, home } = await listKeys(context);
    t.match(home, /^files in /);
    const retired = keys.find((key) => key.state === 'retired');
    t.match(retired, {
      lastSignedAtMs: clock(),
      unexpiredTokens: 3,
      canSign: true,
      nextStep: { state: 'removed' },
    });
    t.match(
      keys.find((key) => key.state === 'next'),
      { safeToSignFromMs: clock() + 900 * SECOND, lastSignedAtMs: null, unexpiredTokens: 0 },
    );
    clock.nowMs += 901 * SECOND;
    t.match(
      (await listKeys(context)).keys.find((key) => key.kid === retired?.kid),
      { unexpiredTokens: 0 },
    );
  },
);

t.test('keys that nobody needs any more are forgotten', async (t) => {
  const { clock, ring, store, context } = await setUp(t);
  clock.nowMs += 900 * SECOND;
  await rotateKeys(context, {});
  clock.nowMs += 1000 * SECOND;
  await ring.reload();
  t.strictSame(states(await store.load(), clock()).sort(), ['active', 'next']);
});

t.test('a revoked key is gone at once, the next one signs, and a new next one is published', async (t) => {
  const { clock, ring, store, context } = await setUp(t);
  const leaked = ring.signer();
  const [, successor] = (await store.load()).keys;
  const result = await revokeKey(context, leaked.kid, 'leaked');
  t.match(result, { outcome: 'revoked', stateBefore: 'active', signingKid: successor?.kid, announced: true });
  await ring.reload();
  t.equal(ring.signer().kid, successor?.kid);
  t.notOk(publishedKids(ring.jwks().body).includes(leaked.kid));
  t.equal(publishedKids(ring.jwks().body).length, 2);
  t.throws(() => ring.verificationKey(leaked), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  t.match(context.announced, [{ type: 'kid', value: leaked.kid, reason: 'leaked' }]);
  t.strictSame(states(await store.load(), clock()).sort(), ['active', 'next', 'revoked']);
});

t.test('a revocation says what follows from it', async (t) => {
  const { ring, context } = await setUp(t);
  const result = await revokeKey(context, ring.signer().kid);
  if (result.outcome !== 'revoked') throw new Error(result.message);
  const said = result.consequences.join(' ');
  for (const consequence of [/is dead/, /5 min as advertised/, /revocation feed/, /10 minutes/])
    t.match(said, consequence);
});

t.test(
  'revoking the key of a scheduled rotation leaves the active one signing beyond that time',
  async (t) => {
    const { clock, ring, context } = await setUp(t);
    const active = ring.signer().kid;
    const scheduled = await rotateKeys(context, { atSafeTime: true });
    if (scheduled.outcome !== 'scheduled') throw new Error(scheduled.message);
    const result = await revokeKey(context, scheduled.promotedKid);
    t.match(result, { outcome: 'revoked', stateBefore: 'next', signingKid: active });
    await ring.reload();
    clock.nowMs += 100_000 * SECOND;
    t.equal(ring.signer().kid, active);
  },
);

t.test('revoking twice does no harm and announces again; an unknown key is refused', async (t) => {
  const { ring, context } = await setUp(t);
  const { kid } = ring.signer();
  await revokeKey(context, kid);
  t.match(await revokeKey(context, kid), { outcome: 'already-revoked', announced: true, warnings: [] });
  const feedAway = { ...context, revocations: { add: () => Promise.reject(new Error('away')) } };
  t.match(await revokeKey(feedAway, kid), { announced: false, warnings: [/Repeat the command/] });
  t.equal(context.announced.length, 2);
  t.match(await revokeKey(context, 'no-such-key'), { outcome: 'unknown-key' });
});

t.test('a revocation takes effect though the feed cannot be written, and says so', async (t) => {
  const { ring, context } = await setUp(t);
  const { kid } = ring.signer();
  const down = () => Promise.reject(new Error('the database is away'));
  const result = await revokeKey({ ...context, revocations: { add: down }, audit: { record: down } }, kid);
  t.match(result, { outcome: 'revoked', announced: false, warnings: [/audit log/, /Repeat the command/] });
  await ring.reload();
  t.not(ring.signer().kid, kid);
});

t.test('every key may be revoked in turn, and there is always one that can sign', async (t) => {
  const { clock, ring, store, context } = await setUp(t);
  for (let i = 0; i < 5; i++) {
    for (const { kid } of (await store.load()).keys) await revokeKey(context, kid);
    const { keys } = await store.load();
    t.equal(inState(keys, 'active', clock()).length, 1);
    t.equal(inState(keys, 'next', clock()).length, 1);
    await ring.reload();
    t.ok(await ring.signer().sign({}));
  }
});
