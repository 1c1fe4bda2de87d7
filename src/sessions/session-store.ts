import type { RevocationEntry } from '../blocklist/entry.js';
import type { UserClaims } from '../oauth/claims.js';
import type { Device, SessionDraft, SessionState } from './session.js';

export interface RotationRequest {
  sessionId: string;
  secretHash: Uint8Array;
  generation: number;
  clientId: string;
  /** Refused, without rotating, where it exceeds the session's scope. */
  requestedScope: readonly string[] | undefined;
  device: Device;
  /** When the access token that goes with it would expire, in milliseconds since the epoch. */
  accessTokenExpiresAt: number;
}

export interface Rotation {
  outcome: 'rotated' | 'retry';
  user: UserClaims & { id: string };
  scope: readonly string[];
  authTime: Date;
  idleExpiresAt: Date;
  absoluteExpiresAt: Date;
}

export interface SessionStore {
  /** Writes session, generation 0 and audit event in one statement. `refused`: user or client is no longer what was checked. */
  begin(draft: SessionDraft): Promise<{ idleExpiresAt: Date; absoluteExpiresAt: Date } | 'refused'>;
  /** One atomic statement: at most one caller ever moves a generation on; a retry finds it moved. */
  rotate(request: RotationRequest): Promise<Rotation | 'refused'>;
  /** The row behind a token whose secret matches. */
  state(sessionId: string, secretHash: Uint8Array): Promise<SessionState | undefined>;
  /** Commits the end of a session and its blocklist entries. Answers the entries; none if it had already ended. */
  revoke(sessionId: string, reason: string, actor: string): Promise<RevocationEntry[]>;
  /** Ends the user's oldest sessions beyond `keep`. */
  revokeBeyond(userId: string, keep: number): Promise<RevocationEntry[]>;
}
