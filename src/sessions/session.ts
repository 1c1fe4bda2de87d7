/** A session: one authentication of one user through one client, the unit that is refreshed, listed and revoked. */

/** Where a request came from. */
export interface Device {
  address: string | undefined;
  userAgent: string | undefined;
  /** What the user calls the device. */
  label?: string | undefined;
}

/** A new session. Times are milliseconds since the epoch. */
export interface SessionDraft {
  id: string;
  userId: string;
  clientId: string;
  secretHash: Uint8Array;
  scope: readonly string[];
  authTime: Date;
  device: Device;
  accessTokenExpiresAt: number;
  /** The user's row as it was when the password was checked: if it changed since, the session does not begin. */
  passwordChangedAt: Date;
  revokedBefore: Date | null;
}

/** What of a session's row decides the fate of a refresh token that could not be rotated. */
export interface SessionState {
  generation: number;
  clientId: string;
  scope: readonly string[];
  revoked: boolean;
  revokedReason: string | null;
  expired: boolean;
  userDisabled: boolean;
  withinRetryWindow: boolean;
}

export interface SessionSummary {
  id: string;
  userId: string;
  clientId: string;
  scope: readonly string[];
  generation: number;
  createdAt: Date;
  lastUsedAt: Date;
  idleExpiresAt: Date;
  absoluteExpiresAt: Date;
  revokedAt: Date | null;
  revokedReason: string | null;
  address: string | null;
  userAgent: string | null;
  label: string | null;
}
