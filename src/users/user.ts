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
  /** Whether the user logged in from this network within the time that networks are remembered. */
  isKnownNetwork(userId: string, network: Uint8Array): Promise<boolean>;
  rememberNetwork(userId: string, network: Uint8Array): Promise<void>;
  /** Stores a hash made with newer settings, unless the password has changed in between. */
  replacePasswordHash(user: User, passwordHash: string): Promise<void>;
}
