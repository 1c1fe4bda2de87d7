/** What a running server puts right in the key set by itself. Pure. */
import type { KeySettings } from './key-settings.js';
import { type RotationInput, waitingKeys } from './rotation.js';
import { isPublished, keyState, type SigningKey } from './signing-key.js';
import { coveringTokenTtl, withSuccession } from './succession.js';

/** Longer than clocks differ: another instance may still see the key as published. */
const REMOVED_KEPT_MS = 60_000;
/** A revoked key stays in the list, without its private half, for whoever looks into the incident. */
const REVOKED_KEPT_MS = 30 * 86_400_000;

/** The keys without those that nobody needs any more, and each that signs or will sign answering for this server's tokens. */
export function tidied(keys: readonly SigningKey[], settings: KeySettings, nowMs: number): SigningKey[] {
  const kept = keys.filter((key) => !isForgettable(key, nowMs));
  const mustCover = kept.some((key) => isOutlived(key, settings, nowMs));
  if (!mustCover) return kept;
  const covering = kept.map((key) =>
    isOutlived(key, settings, nowMs) ? coveringTokenTtl(key, settings) : key,
  );
  return withSuccession(covering, settings, nowMs);
}

/** Whether tokens of this server's lifetime would outlive the key's stay in the key set. */
function isOutlived(key: SigningKey, settings: KeySettings, nowMs: number): boolean {
  const state = keyState(key, nowMs);
  return (
    (state === 'active' || state === 'next') && key.longestTokenTtlSeconds < settings.accessTokenTtlSeconds
  );
}

function isForgettable(key: SigningKey, nowMs: number): boolean {
  if (key.revokedAtMs !== null) return nowMs >= key.revokedAtMs + REVOKED_KEPT_MS;
  return !isPublished(key, nowMs) && nowMs >= (key.removesAtMs ?? nowMs) + REMOVED_KEPT_MS;
}

/** Whether {@link tidied} changed anything. */
export function isTidy(keys: readonly SigningKey[], settings: KeySettings, nowMs: number): boolean {
  const after = tidied(keys, settings, nowMs);
  return after.length === keys.length && after.every((key, index) => key === keys[index]);
}

/** Whether no key that can sign waits to follow: there must always be one, published since long. */
export function lacksNextKey({ keys, usableKids, nowMs }: RotationInput): boolean {
  return !waitingKeys(keys, nowMs).some(({ kid }) => usableKids.has(kid));
}
