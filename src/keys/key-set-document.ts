/** The key set as a published document: RFC 7517 §5, serialised once per change. */
import { createHash } from 'node:crypto';
import type { KeySettings } from './key-settings.js';
import { activeKey, isPublished, nextStepAtMs, type SigningKey } from './signing-key.js';

/** How long an instance may take to see what another one wrote: it looks every second. */
export const PROPAGATION_SECONDS = 3;

export interface KeySetDocument {
  /** The JSON text of the key set. */
  readonly body: string;
  /** A strong entity tag, quotes included (RFC 9110 §8.8.3). */
  readonly etag: string;
}

/** @param keys in any order: the document's order is that of publication, so it changes only when a key comes or goes */
export function keySetDocument(keys: readonly SigningKey[], nowMs: number): KeySetDocument {
  const published = keys.filter((key) => isPublished(key, nowMs)).sort(byPublication);
  const body = JSON.stringify({ keys: published.map((key) => key.publicJwk) });
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { body, etag: `"${digest}"` };
}

function byPublication(a: SigningKey, b: SigningKey): number {
  return a.publishedAtMs - b.publishedAtMs || (a.kid < b.kid ? -1 : 1);
}

/** When the set of published keys will change next, as far as it is known, or `null`. */
export function nextKeySetChangeAtMs(
  keys: readonly SigningKey[],
  settings: KeySettings,
  nowMs: number,
): number | null {
  const removals = keys.filter((key) => isPublished(key, nowMs)).map((key) => key.removesAtMs);
  const changes = [...removals, automaticRotationAtMs(keys, settings, nowMs)];
  const future = changes.filter((change): change is number => change !== null && change > nowMs);
  return future.length === 0 ? null : Math.min(...future);
}

/** When the active key is to be replaced without a command, or `null`. May be in the past: then it is due. */
export function automaticRotationAtMs(
  keys: readonly SigningKey[],
  settings: KeySettings,
  nowMs: number,
): number | null {
  const active = activeKey(keys, nowMs);
  if (settings.keyRotationIntervalSeconds === 0 || !active || active.activatesAtMs === null) return null;
  return active.activatesAtMs + settings.keyRotationIntervalSeconds * 1000;
}

/**
 * `max-age` of the key set, in seconds: never beyond the next change of the set. Where publish-ahead is no longer than
 * the permitted age, a set cached just before a key came to every instance would outlive the wait: so the age is that much shorter.
 */
export function keySetMaxAgeSeconds(
  settings: KeySettings,
  nextChangeAtMs: number | null,
  nowMs: number,
): number {
  const untilChangeSeconds =
    nextChangeAtMs === null ? Number.POSITIVE_INFINITY : Math.floor((nextChangeAtMs - nowMs) / 1000);
  const aheadSeconds = settings.keyPublishAheadSeconds - PROPAGATION_SECONDS;
  return Math.max(0, Math.min(settings.jwksMaxAgeSeconds, aheadSeconds, untilChangeSeconds));
}

/** The earliest instant after `nowMs` at which any key changes state, or infinity. */
export function nextStateChangeAtMs(keys: readonly SigningKey[], nowMs: number): number {
  return Math.min(...keys.map((key) => nextStepAtMs(key, nowMs) ?? Number.POSITIVE_INFINITY));
}
