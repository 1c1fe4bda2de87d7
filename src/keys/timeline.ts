/** What every verifier will see, and when: the consequences of a key set as its clock runs. Pure. */
import {
  activeKey,
  isPublished,
  type KeyState,
  keyState,
  nextStepAtMs,
  type SigningAlg,
  type SigningKey,
} from './signing-key.js';

export interface TimelineEntry {
  readonly atMs: number;
  /** The key that signs from then on. */
  readonly signingKid: string | null;
  /** What the key set holds from then on. */
  readonly publishedKids: readonly string[];
  readonly changes: readonly { readonly kid: string; readonly state: KeyState }[];
}

/** From `nowMs` until nothing changes by itself any more. The first entry is the present. */
export function timeline(keys: readonly SigningKey[], nowMs: number): TimelineEntry[] {
  const entries = [entryAt(keys, nowMs, keys)];
  for (let atMs = stepAfter(keys, nowMs); Number.isFinite(atMs); atMs = stepAfter(keys, atMs)) {
    const before = atMs - 1;
    entries.push(
      entryAt(
        keys,
        atMs,
        keys.filter((key) => keyState(key, before) !== keyState(key, atMs)),
      ),
    );
  }
  return entries;
}

function stepAfter(keys: readonly SigningKey[], atMs: number): number {
  return Math.min(...keys.map((key) => nextStepAtMs(key, atMs) ?? Number.POSITIVE_INFINITY));
}

function entryAt(keys: readonly SigningKey[], atMs: number, changed: readonly SigningKey[]): TimelineEntry {
  return {
    atMs,
    signingKid: activeKey(keys, atMs)?.kid ?? null,
    publishedKids: keys.filter((key) => isPublished(key, atMs)).map((key) => key.kid),
    changes: changed.map((key) => ({ kid: key.kid, state: keyState(key, atMs) })),
  };
}

/** Stands in a timeline for a key that would be made, and is not. */
export function keyToBe(
  alg: SigningAlg,
  nowMs: number,
  activatesAtMs: number | null,
  role: 'signing' | 'following',
): SigningKey {
  const kid = `(a new ${role} ${alg} key)`;
  return {
    kid,
    alg,
    publicJwk: { kty: 'RSA', n: '', e: '', kid, alg, use: 'sig' },
    publishedAtMs: nowMs,
    activatesAtMs,
    retiresAtMs: null,
    removesAtMs: null,
    revokedAtMs: null,
    revocationReason: null,
    longestTokenTtlSeconds: 0,
  };
}
