/** Sessions as lists show them, and their end by hand. */
import type { RevocationEntry } from '../blocklist/entry.js';
import type { SessionSummary } from './session.js';

/** Where a page of a list ends: the next one has only older sessions. */
export interface SessionPosition {
  createdAt: Date;
  id: string;
}

export interface SessionFilter {
  userId?: string | undefined;
  clientId?: string | undefined;
  /** Only those that could be refreshed now. */
  active?: boolean | undefined;
  after?: SessionPosition | undefined;
}

/** One generation of a session's lineage: when it was issued, and to what device. */
export interface Generation {
  generation: number;
  issuedAt: Date;
  address: string | null;
  userAgent: string | null;
}

export interface SessionAdministration {
  /** Newest first, at most `limit`. */
  list(filter: SessionFilter, limit: number): Promise<SessionSummary[]>;
  find(id: string): Promise<SessionSummary | undefined>;
  /** The latest generations, newest first, at most `limit`. */
  lineage(id: string, limit: number): Promise<Generation[]>;
  /** Commits the end of a session. No entries: it had ended. */
  revoke(sessionId: string, actor: string): Promise<RevocationEntry[]>;
  /** Commits the end of one session of a user. No entries: it is not theirs, or it had ended. */
  revokeOwn(userId: string, sessionId: string, actor: string): Promise<RevocationEntry[]>;
  /** Commits the end of all sessions of a user, but for `exceptId`. */
  revokeAllOwn(userId: string, exceptId: string | undefined, actor: string): Promise<RevocationEntry[]>;
}
