/**
 * What a sweep deletes, one small batch per statement. Sessions are walked by primary key: the columns that say when a
 * session ended change with every refresh, and an index on them would cost each refresh its in-place update.
 */
import { statement } from './database.js';

/** A page of sessions: where it ends, and what of it went. `last` is null after the last page. */
export type SweptPage = { last: string | null; deleted: number };

/**
 * Ended sessions are kept for `$3` days, so that whoever presents their refresh token is still told why it fails; then
 * they go, with their lineage. SKIP LOCKED: of several instances each takes what no other is at.
 */
export const sweepSessions = statement<SweptPage>(`
  WITH page AS (
    SELECT id FROM sessions WHERE id > $1::uuid ORDER BY id LIMIT $2::int
  ), ended AS (
    SELECT s.id FROM sessions s JOIN page USING (id)
    WHERE least(s.revoked_at, s.idle_expires_at, s.absolute_expires_at) < now() - make_interval(days => $3::int)
      AND s.access_tokens_expire_at < now()
    FOR UPDATE OF s SKIP LOCKED
  ), deleted AS (
    DELETE FROM sessions WHERE id IN (SELECT id FROM ended) RETURNING id
  )
  SELECT (SELECT id::text FROM page ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*)::int FROM deleted) AS deleted`);

/** Of the sessions after `$1`, up to `$2`: generations older than the latest `$3`, at most `$4` of them. */
export const sweepLineage = statement<{ deleted: number }>(`
  WITH page AS (
    SELECT id, generation FROM sessions WHERE id > $1::uuid AND id <= $2::uuid
  ), old AS (
    SELECT t.session_id, t.generation FROM refresh_tokens t JOIN page s ON s.id = t.session_id
    WHERE t.generation <= s.generation - $3::int
    LIMIT $4::int
    FOR UPDATE OF t SKIP LOCKED
  ), deleted AS (
    DELETE FROM refresh_tokens t USING old
    WHERE t.session_id = old.session_id AND t.generation = old.generation
    RETURNING 1
  )
  SELECT count(*)::int AS deleted FROM deleted`);

export const sweepRevocations = statement<{ deleted: number }>(`
  WITH expired AS (
    SELECT position FROM revocations WHERE expires_at <= now() ORDER BY expires_at LIMIT $1::int
    FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM revocations WHERE position IN (SELECT position FROM expired) RETURNING 1
  )
  SELECT count(*)::int AS deleted FROM deleted`);

// The oldest events have the lowest ids, near enough: those of one batch that are not old yet are left for a later sweep.
export const sweepAuditEvents = statement<{ deleted: number }>(`
  WITH oldest AS (
    SELECT id, at FROM audit_events ORDER BY id LIMIT $1::int
    FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM audit_events
    WHERE id IN (SELECT id FROM oldest WHERE at < now() - make_interval(days => $2::int)) RETURNING 1
  )
  SELECT count(*)::int AS deleted FROM deleted`);

/** Networks that a user has not logged in from for `$2` days, at most `$1` of them. */
export const sweepKnownNetworks = statement<{ deleted: number }>(`
  WITH old AS (
    SELECT user_id, network FROM known_networks
    WHERE last_login_at < now() - make_interval(days => $2::int)
    ORDER BY last_login_at LIMIT $1::int
    FOR UPDATE SKIP LOCKED
  ), deleted AS (
    DELETE FROM known_networks known USING old
    WHERE known.user_id = old.user_id AND known.network = old.network
    RETURNING 1
  )
  SELECT count(*)::int AS deleted FROM deleted`);
