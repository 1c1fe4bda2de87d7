/** What happened, for the admin who asks later. */

/** Everything that is recorded. */
export const auditEventTypes = [
  'login',
  'login_failed',
  'refresh',
  'retry',
  'reuse',
  'session_revoked',
  'token_revoked',
  'user_created',
  'user_updated',
  'user_enabled',
  'user_disabled',
  'user_deleted',
  'password_changed',
  'sessions_revoked',
  'client_created',
  'client_updated',
  'client_secret_rotated',
  'client_enabled',
  'client_disabled',
  'client_deleted',
  'key_rotated',
  'key_revoked',
  'keys_revoked',
  'keys_moved',
  'keys_reencrypted',
] as const;

export type AuditEventType = (typeof auditEventTypes)[number];

/** Never holds a secret, a token, or what somebody typed as a login. */
export interface AuditEvent {
  type: AuditEventType;
  /** Who did it: a user's or a client's id, `cli` or `server`. */
  actor?: string | undefined;
  userId?: string | undefined;
  clientId?: string | undefined;
  sessionId?: string | undefined;
  address?: string | undefined;
  userAgent?: string | undefined;
  detail?: Record<string, unknown> | undefined;
}

export interface AuditLog {
  /** Throws `temporarily_unavailable` when it cannot be written. */
  record(event: AuditEvent): Promise<void>;
}

/** An event as it was kept. */
export interface RecordedAuditEvent {
  /** Grows with time; a decimal string. */
  id: string;
  at: Date;
  type: AuditEventType;
  actor: string | null;
  userId: string | null;
  clientId: string | null;
  sessionId: string | null;
  address: string | null;
  userAgent: string | null;
  detail: Record<string, unknown>;
}

export interface AuditFilter {
  type?: AuditEventType | undefined;
  userId?: string | undefined;
  clientId?: string | undefined;
  sessionId?: string | undefined;
  since?: Date | undefined;
  /** Only events older than the one with this id. */
  beforeId?: string | undefined;
}

export interface AuditTrail {
  /** Newest first, at most `limit`. */
  list(filter: AuditFilter, limit: number): Promise<RecordedAuditEvent[]>;
}
