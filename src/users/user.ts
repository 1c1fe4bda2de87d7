/** A person who can log in. */
import type { UserClaims } from '../oauth/claims.js';

export interface User extends UserClaims {
  id: string;
  email: string;
  username: string | null;
  passwordHash: string;
  passwordChangedAt: Date;
  disabledAt: Date | null;
  /** Access tokens issued before this are revoked. */
  revokedBefore: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface UserStore {
  /** By canonical e-mail or username. */
  findByLogin(login: string): Promise<User | undefined>;
  /** Stores a hash made with newer settings, unless the password has changed in between. */
  replacePasswordHash(user: User, passwordHash: string): Promise<void>;
}
