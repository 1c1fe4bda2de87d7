/** Sessions and their lineage: every change is one statement, conditional on what it assumes. */

import type { RevocationEntry } from '../../blocklist/entry.js';
import type { JsonObject } from '../../oauth/claims.js';
import type { SessionDraft, SessionState } from '../../sessions/session.js';
import type { Rotation, RotationRequest, SessionStore } from '../../sessions/session-store.js';
import { type Database, type Statement, statement } from './database.js';
import type { EntryRow } from './revocation-rows.js';
import { revokeAll, revokeWhere } from './session-revocation.js';

export interface SessionStoreSettings {
  sessionIdleTtlSeconds: number;
  sessionAbsoluteTtlSeconds: number;
  refreshRetryWindowSeconds: number;
  clockToleranceSeconds: number;
}

type Expiry = { idle_expires_at: Date; absolute_expires_at: Date };

// Without the refresh grant a session lasts as long as its one access token.
// FOR SHARE: a password change, a disabling or a revocation that commits first is seen; one that comes later sees this session.
const begin = statement<Expiry>(`
  WITH session AS (
    INSERT INTO sessions (id, user_id, client_id, secret_hash, scope, auth_time, rotated_at, last_used_at,
      idle_expires_at, absolute_expires_at, access_tokens_expire_at, address, user_agent, label)
    SELECT $1::uuid, u.id, c.id, $4::bytea, $5::text[], $13::timestamptz, now(), now(),
      CASE WHEN 'refresh_token' = ANY (c.grants)
        THEN now() + make_interval(secs => least($11::int, $12::int)) ELSE $6::timestamptz END,
      now() + make_interval(secs => $12::int),
      $6::timestamptz, $7::text, $8::text, $9::text
    FROM users u, clients c
    WHERE u.id = $2::uuid AND u.disabled_at IS NULL AND u.password_changed_at = $10::timestamptz
      AND u.revoked_before IS NOT DISTINCT FROM $14::timestamptz
      AND c.id = $3::text AND c.disabled_at IS NULL
    FOR SHARE OF u, c
    RETURNING id, user_id, client_id, address, user_agent, idle_expires_at, absolute_expires_at
  ), lineage AS (
    INSERT INTO refresh_tokens (session_id, generation, address, user_agent)
    SELECT id, 0, address, user_agent FROM session
  ), audit AS (
    INSERT INTO audit_events (type, actor, user_id, client_id, session_id, address, user_agent)
    SELECT 'login', user_id::text, user_id::text, client_id, id::text, address, user_agent FROM session
  )
  SELECT idle_expires_at, absolute_expires_at FROM session`);

type RotationRow = {
  rotation: {
    rotated: boolean;
    user_id: string;
    scope: string[];
    /** Seconds since the epoch, as all times here. */
    auth_time: number;
    idle_expires_at: number;
    absolute_expires_at: number;
    roles: string[];
    permissions: string[];
    org_id: string | null;
    claims: JsonObject;
  };
};

// A caller that waited for another's row lock is judged by the row as the other left it: the loser of a race is a retry.
// Whether this call rotated is told by the lineage: only one caller ever inserts a generation.
// One JSON value instead of ten columns: the driver takes half the time over it.
const rotate = statement<RotationRow>(`
  WITH session AS (
    UPDATE sessions s SET
      generation = $3::int + 1,
      rotated_at = CASE WHEN s.generation = $3::int THEN now() ELSE s.rotated_at END,
      idle_expires_at = CASE WHEN s.generation = $3::int
        THEN least(now() + make_interval(secs => $8::int), s.absolute_expires_at) ELSE s.idle_expires_at END,
      last_used_at = now(),
      access_tokens_expire_at = greatest(s.access_tokens_expire_at,
        least(to_timestamp($5::float8 / 1000), s.absolute_expires_at))
    FROM users u
    WHERE s.id = $1::uuid AND s.secret_hash = $2::bytea AND s.client_id = $4::text
      AND s.revoked_at IS NULL AND s.idle_expires_at > now() AND s.absolute_expires_at > now()
      AND (s.generation = $3::int OR (s.generation = $3::int + 1
        AND s.rotated_at > clock_timestamp() - make_interval(secs => $9::int)))
      AND ($10::text[] IS NULL OR $10::text[] <@ s.scope)
      AND u.id = s.user_id AND u.disabled_at IS NULL
    RETURNING s.id, s.user_id, s.client_id, s.scope, s.auth_time, s.idle_expires_at, s.absolute_expires_at,
      u.roles, u.permissions, u.org_id, u.claims
  ), lineage AS (
    INSERT INTO refresh_tokens (session_id, generation, address, user_agent)
    SELECT id, $3::int + 1, $6::text, $7::text FROM session
    ON CONFLICT DO NOTHING
    RETURNING session_id
  ), audit AS (
    INSERT INTO audit_events (type, actor, user_id, client_id, session_id, address, user_agent)
    SELECT CASE WHEN EXISTS (SELECT FROM lineage) THEN 'refresh' ELSE 'retry' END,
      user_id::text, user_id::text, client_id, id::text, $6::text, $7::text
    FROM session
  )
  SELECT json_build_object('rotated', EXISTS (SELECT FROM lineage), 'user_id', user_id, 'scope', scope,
    'auth_time', date_part('epoch', auth_time), 'idle_expires_at', date_part('epoch', idle_expires_at),
    'absolute_expires_at', date_part('epoch', absolute_expires_at),
    'roles', roles, 'permissions', permissions, 'org_id', org_id, 'claims', claims) AS rotation
  FROM session`);

type StateRow = {
  generation: number;
  client_id: string;
  scope: string[];
  revoked: boolean;
  revoked_reason: string | null;
  expired: boolean;
  user_disabled: boolean;
  within_retry_window: boolean;
};

const state = statement<StateRow>(`
  SELECT s.generation, s.client_id, s.scope, s.revoked_at IS NOT NULL AS revoked, s.revoked_reason,
    least(s.idle_expires_at, s.absolute_expires_at) <= now() AS expired,
    u.disabled_at IS NOT NULL AS user_disabled,
    s.rotated_at > clock_timestamp() - make_interval(secs => $3::int) AS within_retry_window
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.id = $1::uuid AND s.secret_hash = $2::bytea`);

const revokeOne = revokeWhere('id = $4::uuid');
const revokeOldest = revokeWhere(`id IN (
  SELECT id FROM sessions
  WHERE user_id = $4::uuid AND revoked_at IS NULL AND idle_expires_at > now()
  ORDER BY created_at DESC, id DESC OFFSET $5::int)`);

export class PostgresSessionStore implements SessionStore {
  readonly #database: Database;
  readonly #settings: SessionStoreSettings;

  constructor(database: Database, settings: SessionStoreSettings) {
    this.#database = database;
    this.#settings = settings;
  }

  async begin(draft: SessionDraft) {
    const { device } = draft;
    const [row] = await this.#database.run(begin, [
      draft.id,
      draft.userId,
      draft.clientId,
      draft.secretHash,
      draft.scope,
      new Date(draft.accessTokenExpiresAt),
      device.address,
      device.userAgent,
      device.label,
      draft.passwordChangedAt,
      this.#settings.sessionIdleTtlSeconds,
      this.#settings.sessionAbsoluteTtlSeconds,
      draft.authTime,
      draft.revokedBefore,
    ]);
    return row ? expiryOf(row) : 'refused';
  }

  async rotate(request: RotationRequest): Promise<Rotation | 'refused'> {
    const [row] = await this.#database.run(rotate, [
      request.sessionId,
      request.secretHash,
      request.generation,
      request.clientId,
      request.accessTokenExpiresAt,
      request.device.address,
      request.device.userAgent,
      this.#settings.sessionIdleTtlSeconds,
      this.#settings.refreshRetryWindowSeconds,
      request.requestedScope,
    ]);
    return row ? toRotation(row) : 'refused';
  }

  async state(sessionId: string, secretHash: Uint8Array): Promise<SessionState | undefined> {
    const window = this.#settings.refreshRetryWindowSeconds;
    const [row] = await this.#database.run(state, [sessionId, secretHash, window]);
    return row && toState(row);
  }

  revoke(sessionId: string, reason: string, actor: string): Promise<RevocationEntry[]> {
    return this.#revoke(revokeOne, reason, actor, [sessionId]);
  }

  revokeBeyond(userId: string, keep: number): Promise<RevocationEntry[]> {
    return this.#revoke(revokeOldest, 'session_limit', 'server', [userId, keep]);
  }

  #revoke(query: Statement<EntryRow>, reason: string, actor: string, values: unknown[]) {
    const common = [reason, actor, this.#settings.clockToleranceSeconds];
    return revokeAll(this.#database, query, [...common, ...values]);
  }
}

function expiryOf(row: Expiry) {
  return { idleExpiresAt: row.idle_expires_at, absoluteExpiresAt: row.absolute_expires_at };
}

function toRotation({ rotation: row }: RotationRow): Rotation {
  return {
    outcome: row.rotated ? 'rotated' : 'retry',
    user: {
      id: row.user_id,
      roles: row.roles,
      permissions: row.permissions,
      orgId: row.org_id,
      custom: row.claims,
    },
    scope: row.scope,
    authTime: new Date(row.auth_time * 1000),
    idleExpiresAt: new Date(row.idle_expires_at * 1000),
    absoluteExpiresAt: new Date(row.absolute_expires_at * 1000),
  };
}

function toState(row: StateRow): SessionState {
  return {
    generation: row.generation,
    clientId: row.client_id,
    scope: row.scope,
    revoked: row.revoked,
    revokedReason: row.revoked_reason,
    expired: row.expired,
    userDisabled: row.user_disabled,
    withinRetryWindow: row.within_retry_window,
  };
}
