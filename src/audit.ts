/** What happened, for the admin who asks later. Never holds a secret, a token, or what somebody typed as a login. */
export interface AuditEvent {
  type: string;
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
