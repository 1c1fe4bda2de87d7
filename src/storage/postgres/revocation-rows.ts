import type { RevocationEntry, RevocationType } from '../../blocklist/entry.js';

/** The columns of `revocations` as {@link EntryRow} has them: times in milliseconds, positions as decimal strings. */
export const entryColumns = `position::text AS position, type, value, reason,
  (extract(epoch FROM before) * 1000)::float8 AS before,
  (extract(epoch FROM revoked_at) * 1000)::float8 AS revoked_at,
  (extract(epoch FROM expires_at) * 1000)::float8 AS expires_at`;

/** What an INSERT returns for {@link entryColumns} to be made of. */
export const entryReturning = 'position, type, value, reason, before, revoked_at, expires_at';

export type EntryRow = {
  position: string;
  type: RevocationType;
  value: string;
  reason: string;
  before: number | null;
  revoked_at: number;
  expires_at: number;
};

export function toEntry(row: EntryRow): RevocationEntry {
  return {
    position: row.position,
    type: row.type,
    value: row.value,
    reason: row.reason,
    before: row.before ?? undefined,
    revokedAt: row.revoked_at,
    expiresAt: row.expires_at,
  };
}
