import t from 'tap';
import { Blocklist } from '../../src/verifier/blocklist.js';

const claims = { iss: 'i', sub: 'u', aud: 'a', exp: 1000, iat: 100, jti: 'j', client_id: 'c', sid: 's' };

t.test('Entries are forgotten when every token that they concern has expired', async (t) => {
  const blocklist = new Blocklist();
  blocklist.add({ type: 'jti', value: 'j', expiresAt: 1000 });
  blocklist.add({ type: 'sid', value: 's', expiresAt: 1001 });
  blocklist.add({ type: 'sub', value: 'u', expiresAt: 1002, beforeMs: 100_001 });
  blocklist.sweep(999);
  t.equal(blocklist.size, 3);
  for (const [now, size] of [
    [1000, 2],
    [1001, 1],
    [1002, 0],
  ] as const) {
    t.equal(blocklist.revokes(claims), true);
    blocklist.sweep(now);
    t.equal(blocklist.size, size);
  }
  t.equal(blocklist.revokes(claims), false);
});

t.test('Of two entries for one value the wider counts, in whatever order they arrive', async (t) => {
  const wide = { type: 'sub', value: 'u', expiresAt: 1000, beforeMs: 200_000 } as const;
  const narrow = { type: 'sub', value: 'u', expiresAt: 500, beforeMs: 50_000 } as const;
  for (const entries of [
    [wide, narrow],
    [narrow, wide],
  ]) {
    const blocklist = new Blocklist();
    for (const entry of entries) blocklist.add(entry);
    blocklist.sweep(999);
    t.equal(blocklist.revokes(claims), true);
  }
});

t.test('sub: dead when iat × 1000 is before the instant', async (t) => {
  const blocklist = new Blocklist();
  blocklist.add({ type: 'sub', value: 'u', expiresAt: 1000, beforeMs: 100_000 });
  t.equal(blocklist.revokes(claims), false);
  blocklist.add({ type: 'sub', value: 'u', expiresAt: 1000, beforeMs: 100_001 });
  t.equal(blocklist.revokes(claims), true);
});

t.test('A token without sid is revoked by jti and sub only', async (t) => {
  const blocklist = new Blocklist();
  const { sid: _, ...machine } = claims;
  blocklist.add({ type: 'sid', value: 'undefined', expiresAt: 1000 });
  t.equal(blocklist.revokes(machine), false);
  blocklist.add({ type: 'kid', value: 'j', expiresAt: 1000 });
  t.equal(blocklist.size, 1, 'keys are the key set’s business');
});
