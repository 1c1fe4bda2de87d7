/**
 * The end of everything issued to a subject, inside a transaction that has changed the subject's own row. Locks are taken in
 * one order everywhere: the subject's row, its sessions by id, revocations.
 */
import type { RevocationEntry } from '../../blocklist/entry.js';
import { type Queries, type Row, type Statement, statement } from './database.js';
import { type EntryRow, entryColumns, entryReturning, toEntry } from './revocation-rows.js';

export interface SubjectRevocation {
  /** A user's id or a client's. */
  subject: string;
  reason: string;
  /** Tokens of the subject issued before this are revoked. */
  before: Date;
  /** No token without a session lives longer. */
  longestTokenSeconds: number;
  clockToleranceSeconds: number;
  /** The subject is deleted next, and with it its ended sessions: these are locked before revocations, too. */
  deletes: boolean;
}

export interface EndedSubject {
  endedSessions: number;
  entries: RevocationEntry[];
}

interface SubjectStatements {
  lockSessions: Statement;
  revoke: Statement<EntryRow & { ended_sessions: number }>;
}

function statementsFor(sessionsOfSubject: string, needsOwnEntry: string): SubjectStatements {
  return {
    lockSessions: statement<Row>(`
      SELECT id FROM sessions WHERE ${sessionsOfSubject} AND (revoked_at IS NULL OR $2::boolean)
      ORDER BY id FOR UPDATE`),
    revoke: statement(`
      WITH ended AS (
        UPDATE sessions SET revoked_at = now(), revoked_reason = $2::text
        WHERE ${sessionsOfSubject} AND revoked_at IS NULL
        RETURNING id, last_used_at, access_tokens_expire_at
      ), longest AS (
        SELECT max(access_tokens_expire_at) AS expires_at FROM sessions WHERE ${sessionsOfSubject}
      ), entry AS (
        INSERT INTO revocations (type, value, before, reason, expires_at)
        SELECT 'sub', $1::text, $3::timestamptz, $2::text, make_interval(secs => $5::int)
          + greatest(longest.expires_at, $3::timestamptz + make_interval(secs => $4::int))
        FROM longest
        UNION ALL
        SELECT 'sid', id::text, NULL, $2::text, access_tokens_expire_at + make_interval(secs => $5::int)
        FROM ended WHERE ${needsOwnEntry}
        RETURNING ${entryReturning}
      )
      SELECT ${entryColumns}, (SELECT count(*)::int FROM ended) AS ended_sessions
      FROM entry ORDER BY entry.position`),
  };
}

/**
 * A user's tokens are covered by the one entry by time. But a session in use just now may have a token that is signed a
 * moment from now, or by an instance whose clock is ahead: such sessions get an entry each.
 */
const ofUser = statementsFor(
  'user_id = $1::uuid',
  'last_used_at > $3::timestamptz - make_interval(secs => $5::int + 60)',
);

/** The entry by time covers what a client got for itself; tokens of its sessions speak for users. */
const ofClient = statementsFor(
  'client_id = $1::text',
  'access_tokens_expire_at > $3::timestamptz - make_interval(secs => $5::int)',
);

export function revokeUser(queries: Queries, revocation: SubjectRevocation): Promise<EndedSubject> {
  return revokeSubject(queries, ofUser, revocation);
}

export function revokeClient(queries: Queries, revocation: SubjectRevocation): Promise<EndedSubject> {
  return revokeSubject(queries, ofClient, revocation);
}

async function revokeSubject(
  queries: Queries,
  { lockSessions, revoke }: SubjectStatements,
  revocation: SubjectRevocation,
): Promise<EndedSubject> {
  const { subject, reason, before, longestTokenSeconds, clockToleranceSeconds } = revocation;
  await queries.run(lockSessions, [subject, revocation.deletes]);
  const values = [subject, reason, before, longestTokenSeconds, clockToleranceSeconds];
  const rows = await queries.run(revoke, values);
  return { endedSessions: rows[0]?.ended_sessions ?? 0, entries: rows.map(toEntry) };
}
