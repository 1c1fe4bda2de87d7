import type { RevocationEntry } from '../../blocklist/entry.js';
import { type Database, type Statement, statement } from './database.js';
import { type EntryRow, entryColumns, entryReturning, toEntry } from './revocation-rows.js';

/** In one statement: more would not finish in time, and would hold up every other revocation. */
export const sessionsPerPage = 1_000;

/**
 * Ends a page of the live sessions that meet a condition on `$4` and what follows: session rows, blocklist entries and audit
 * events in one commit. `$1`: the reason, `$2`: the actor, `$3`: the clock tolerance in seconds.
 *
 * All of the page are locked, by id, before the first entry locks revocations: else each row would go all the way by itself,
 * and whoever holds the second session and has an entry to write waits for ever.
 */
export function revokeWhere(condition: string): Statement<EntryRow> {
  return statement<EntryRow>(`
    WITH ended AS (
      UPDATE sessions SET revoked_at = now(), revoked_reason = $1::text
      WHERE revoked_at IS NULL AND id = ANY (ARRAY(
        SELECT id FROM sessions WHERE revoked_at IS NULL AND ${condition}
        ORDER BY id LIMIT ${sessionsPerPage} FOR UPDATE))
      RETURNING id, user_id, client_id, access_tokens_expire_at
    ), entry AS (
      INSERT INTO revocations (type, value, reason, expires_at)
      SELECT 'sid', id::text, $1::text, access_tokens_expire_at + make_interval(secs => $3::int) FROM ended
      RETURNING ${entryReturning}
    ), audit AS (
      INSERT INTO audit_events (type, actor, user_id, client_id, session_id, detail)
      SELECT CASE WHEN $1::text = 'reused' THEN 'reuse' ELSE 'session_revoked' END, $2::text,
        user_id::text, client_id, id::text, jsonb_build_object('reason', $1::text)
      FROM ended
    )
    SELECT ${entryColumns} FROM entry`);
}

/** Runs a statement of {@link revokeWhere}, again for as long as a page was full. */
export async function revokeAll(
  database: Database,
  query: Statement<EntryRow>,
  values: unknown[],
): Promise<RevocationEntry[]> {
  const entries: RevocationEntry[] = [];
  for (;;) {
    const page = await database.run(query, values);
    for (const row of page) entries.push(toEntry(row));
    if (page.length < sessionsPerPage) return entries;
  }
}
