/** What admins do to users. Every change is one commit, its audit event included. */
import type { Announce } from '../blocklist/blocklist.js';
import type { UserClaims } from '../oauth/claims.js';
import type { User } from './user.js';

export interface UserProfile extends UserClaims {
  /** Canonical. */
  email: string;
  /** Canonical. */
  username: string | null;
}

export interface UserDraft extends UserProfile {
  id: string;
  passwordHash: string;
}

/** A unique name that another user has. */
export type TakenName = 'email taken' | 'username taken';

/** Changes after which nothing issued to the user before is good any more. */
export type UserEnding =
  | { kind: 'user_disabled' }
  | { kind: 'user_deleted' }
  | { kind: 'sessions_revoked' }
  | { kind: 'password_changed'; passwordHash: string };

export interface UserAdministration {
  create(draft: UserDraft, actor: string): Promise<User | TakenName>;
  find(id: string): Promise<User | undefined>;
  /** By canonical e-mail or username. */
  findByLogin(login: string): Promise<User | undefined>;
  /** By e-mail, those after `afterEmail`, at most `limit`. */
  list(afterEmail: string, limit: number): Promise<User[]>;
  update(id: string, change: Partial<UserProfile>, actor: string): Promise<User | TakenName | undefined>;
  enable(id: string, actor: string): Promise<User | undefined>;
  /**
   * Applies the ending, ends the user's sessions and revokes every token issued before. One commit, but where there are very
   * many sessions: then these end first, and what fails halfway goes on when it is asked again.
   */
  end(id: string, ending: UserEnding, actor: string, announce: Announce): Promise<EndedUser | undefined>;
}

export interface EndedUser {
  user: User;
  endedSessions: number;
}
