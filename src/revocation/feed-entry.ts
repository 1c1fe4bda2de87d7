/** One entry of the feed as it goes over the wire (docs/revocation-feed.md), and where it stands. */
import { createHash } from 'node:crypto';
import type { RevocationEntry } from '../blocklist/entry.js';

export interface FeedEntry {
  position: number;
  /** The position and what stands there: after a database was restored, another entry may stand at the same position. */
  cursor: string;
  /** Milliseconds. */
  expiresAt: number;
  /** The JSON object. */
  json: string;
}

/** Before the first entry. */
export const originCursor = '0';

const cursorForm = /^(?:0|[1-9]\d{0,15}-[A-Za-z0-9_-]{8})$/;

export function isCursor(text: string): boolean {
  return cursorForm.test(text);
}

export function positionOf(cursor: string): number {
  return Number.parseInt(cursor, 10);
}

export function toFeedEntry(entry: RevocationEntry): FeedEntry {
  const json = JSON.stringify({
    type: entry.type,
    value: entry.value,
    ...(entry.before !== undefined && { before: Math.round(entry.before) }),
    reason: entry.reason,
    revoked_at: Math.floor(Math.round(entry.revokedAt) / 1000),
    expires_at: Math.ceil(Math.round(entry.expiresAt) / 1000),
  });
  const tag = createHash('sha256')
    .update(`${Math.round(entry.revokedAt)} ${json}`)
    .digest('base64url')
    .slice(0, 8);
  const cursor = `${entry.position}-${tag}`;
  return { position: Number(entry.position), cursor, expiresAt: entry.expiresAt, json };
}
