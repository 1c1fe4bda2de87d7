// The feed's documents as they come over the wire, checked member by member: a feed that is not understood is not followed.
import { isRecord } from '../http.js';

/** What is revoked. `expiresAt` in seconds: from then on every token concerned has expired. */
export type RevocationEntry =
  | { type: 'jti' | 'sid' | 'kid'; value: string; expiresAt: number }
  | { type: 'sub'; value: string; expiresAt: number; beforeMs: number };

/** Ids are far shorter: what is longer would only fill the memory. */
const MAX_VALUE_CHARACTERS = 1024;

export interface FeedPage {
  entries: RevocationEntry[];
  /** Where the next page, or the stream, goes on. */
  cursor: string;
  /** Whether there is a next page now. */
  more: boolean;
  heartbeatSeconds: number;
}

export function readPage(body: unknown): FeedPage {
  if (!isRecord(body) || !Array.isArray(body.entries))
    throw new Error('The feed answered no page of entries');
  const { cursor, more, heartbeat_seconds: heartbeatSeconds } = body;
  if (typeof cursor !== 'string' || typeof more !== 'boolean') throw new Error('The page has no cursor');
  if (typeof heartbeatSeconds !== 'number' || !(heartbeatSeconds > 0))
    throw new Error('The page has no heartbeat');
  return { entries: body.entries.flatMap(readEntry), cursor, more, heartbeatSeconds };
}

/** One entry, or none when its type is one that this version does not know: later versions may add types. */
export function readEntry(entry: unknown): RevocationEntry[] {
  if (!isRecord(entry) || typeof entry.type !== 'string') throw new Error('A feed entry has no type');
  const { type, value, before, expires_at: expiresAt } = entry;
  if (typeof value !== 'string' || value.length > MAX_VALUE_CHARACTERS || !isTime(expiresAt)) {
    throw new Error('A feed entry is malformed');
  }
  if (type === 'jti' || type === 'sid' || type === 'kid') return [{ type, value, expiresAt }];
  if (type !== 'sub') return [];
  if (!isTime(before)) throw new Error('A feed entry for a subject has no time');
  return [{ type, value, expiresAt, beforeMs: before }];
}

/** A heartbeat: everything up to its cursor has been sent. */
export function readHeartbeat(data: unknown): string {
  if (!isRecord(data) || typeof data.cursor !== 'string') throw new Error('A heartbeat has no cursor');
  return data.cursor;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
