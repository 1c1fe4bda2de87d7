/** Who follows whom: each key retires at the moment at which the next one activates. */

import { PROPAGATION_SECONDS } from './key-set-document.js';
import type { KeySettings } from './key-settings.js';
import type { SigningKey } from './signing-key.js';

type ScheduledKey = SigningKey & { readonly activatesAtMs: number };

/**
 * Gives every key that has not yet retired the retirement that follows from its successor's activation. What has
 * retired, was revoked or waits stays as it is.
 */
export function withSuccession(
  keys: readonly SigningKey[],
  settings: KeySettings,
  nowMs: number,
): SigningKey[] {
  const chain = keys.filter((key): key is ScheduledKey => isInChain(key, nowMs)).sort(byActivation);
  const successors = new Map(chain.map((key, index) => [key.kid, chain[index + 1]]));
  return keys.map((key) =>
    successors.has(key.kid) ? retireAt(key, successors.get(key.kid), settings) : key,
  );
}

function isInChain(key: SigningKey, nowMs: number): boolean {
  const hasRetired = key.retiresAtMs !== null && key.retiresAtMs < nowMs;
  return key.revokedAtMs === null && key.activatesAtMs !== null && !hasRetired;
}

function byActivation(a: ScheduledKey, b: ScheduledKey): number {
  return a.activatesAtMs - b.activatesAtMs;
}

function retireAt(key: SigningKey, successor: ScheduledKey | undefined, settings: KeySettings): SigningKey {
  const retiresAtMs = successor?.activatesAtMs ?? null;
  const signer = coveringTokenTtl(key, settings);
  return { ...signer, retiresAtMs, removesAtMs: removalAfter(retiresAtMs, signer, settings) };
}

/** Raises the longest lifetime that the key answers for to this server's own, if that is longer. */
export function coveringTokenTtl(key: SigningKey, settings: KeySettings): SigningKey {
  const longestTokenTtlSeconds = Math.max(key.longestTokenTtlSeconds, settings.accessTokenTtlSeconds);
  return { ...key, longestTokenTtlSeconds };
}

/**
 * The last token is signed at retirement, or moments later by an instance that has not yet seen a rotation by
 * command; it lives for its lifetime, and verifiers accept it for the tolerance after that.
 */
function removalAfter(retiresAtMs: number | null, key: SigningKey, settings: KeySettings): number | null {
  if (retiresAtMs === null) return null;
  const seconds = key.longestTokenTtlSeconds + settings.clockToleranceSeconds + PROPAGATION_SECONDS;
  return retiresAtMs + seconds * 1000;
}
