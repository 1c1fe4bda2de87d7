/** A signing key's public description, and its state as a pure function of its timestamps and the clock. */

export const signingAlgs = ['ES256', 'RS256'] as const;
export type SigningAlg = (typeof signingAlgs)[number];

/** What the key set publishes of a key (RFC 7517 §4): public members only. */
export type PublicJwk =
  | { kty: 'EC'; crv: string; x: string; y: string; kid: string; alg: SigningAlg; use: 'sig' }
  | { kty: 'RSA'; n: string; e: string; kid: string; alg: SigningAlg; use: 'sig' };

/** Everything about a key except its private half. Times are milliseconds since the epoch; `null` is "not planned". */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly publicJwk: PublicJwk;
  /** In the key set since then. */
  readonly publishedAtMs: number;
  /** Signs from then on. In the future for a scheduled rotation. */
  readonly activatesAtMs: number | null;
  /** No longer signs from then on: the moment at which its successor activates. */
  readonly retiresAtMs: number | null;
  /** Leaves the key set: the last token that it can have signed has expired everywhere. */
  readonly removesAtMs: number | null;
  /** Withdrawn: whatever the clock says, it neither signs nor verifies. */
  readonly revokedAtMs: number | null;
  readonly revocationReason: string | null;
  /** The longest lifetime of any token that it may have signed, under whatever settings the servers had then. */
  readonly longestTokenTtlSeconds: number;
}

export type KeyState = 'next' | 'active' | 'retired' | 'removed' | 'revoked';

/** The state of a key at an instant: so every instance switches at the same moment without talking. */
export function keyState(key: SigningKey, nowMs: number): KeyState {
  if (key.revokedAtMs !== null) return 'revoked';
  if (key.activatesAtMs === null || nowMs < key.activatesAtMs) return 'next';
  if (key.retiresAtMs === null || nowMs < key.retiresAtMs) return 'active';
  if (key.removesAtMs === null || nowMs < key.removesAtMs) return 'retired';
  return 'removed';
}

const publishedStates: ReadonlySet<KeyState> = new Set(['next', 'active', 'retired']);

/** Whether the key is in the key set at an instant. */
export function isPublished(key: SigningKey, nowMs: number): boolean {
  return publishedStates.has(keyState(key, nowMs));
}

/** The key that signs at an instant, if there is one. */
export function activeKey<K extends SigningKey>(keys: readonly K[], nowMs: number): K | undefined {
  return keys.find((key) => keyState(key, nowMs) === 'active');
}

/** The key that a rotation would promote: the scheduled one if there is one, else the one published longest. */
export function nextKey<K extends SigningKey>(keys: readonly K[], nowMs: number): K | undefined {
  return keys
    .filter((key) => keyState(key, nowMs) === 'next')
    .sort((a, b) => scheduleOrder(a) - scheduleOrder(b) || a.publishedAtMs - b.publishedAtMs)[0];
}

function scheduleOrder(key: SigningKey): number {
  return key.activatesAtMs ?? Number.POSITIVE_INFINITY;
}

/** The next instant at which this key changes state by itself, or `null`. */
export function nextStepAtMs(key: SigningKey, nowMs: number): number | null {
  if (key.revokedAtMs !== null) return null;
  const steps = [key.activatesAtMs, key.retiresAtMs, key.removesAtMs];
  return steps.find((step): step is number => step !== null && step > nowMs) ?? null;
}
