import type { JsonObject } from '../../oauth/claims.js';
import type { User, UserStore } from '../../users/user.js';
import { type Database, statement } from './database.js';

export type UserRow = {
  id: string;
  email: string;
  username: string | null;
  password_hash: string;
  password_changed_at: Date;
  roles: string[];
  permissions: string[];
  org_id: string | null;
  claims: JsonObject;
  disabled_at: Date | null;
  revoked_before: Date | null;
  created_at: Date;
  updated_at: Date;
};

/** The columns of `users` as {@link UserRow} has them. Never `*`: a prepared statement would break at every new column. */
export const userColumns = `id, email, username, password_hash, password_changed_at, roles, permissions, org_id, claims,
  disabled_at, revoked_before, created_at, updated_at`;

const findByLogin = statement<UserRow>(
  `SELECT ${userColumns} FROM users WHERE email = $1::text OR username = $1::text`,
);

const replacePasswordHash = statement(
  'UPDATE users SET password_hash = $3::text WHERE id = $1::uuid AND password_hash = $2::text',
);

const isKnownNetwork = statement<{ known: boolean }>(`
  SELECT EXISTS (SELECT FROM known_networks WHERE user_id = $1::uuid AND network = $2::bytea) AS known`);

// Written at most once a day.
const rememberNetwork = statement(`
  INSERT INTO known_networks AS known (user_id, network) VALUES ($1::uuid, $2::bytea)
  ON CONFLICT (user_id, network) DO UPDATE SET last_login_at = now()
    WHERE known.last_login_at < now() - interval '1 day'`);

export class PostgresUserStore implements UserStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async findByLogin(login: string): Promise<User | undefined> {
    const [row] = await this.#database.run(findByLogin, [login]);
    return row && toUser(row);
  }

  async isKnownNetwork(userId: string, network: Uint8Array): Promise<boolean> {
    const [row] = await this.#database.run(isKnownNetwork, [userId, network]);
    return row?.known ?? false;
  }

  async rememberNetwork(userId: string, network: Uint8Array): Promise<void> {
    await this.#database.run(rememberNetwork, [userId, network]);
  }

  async replacePasswordHash(user: User, passwordHash: string): Promise<void> {
    await this.#database.run(replacePasswordHash, [user.id, user.passwordHash, passwordHash]);
  }
}

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    passwordHash: row.password_hash,
    passwordChangedAt: row.password_changed_at,
    roles: row.roles,
    permissions: row.permissions,
    orgId: row.org_id,
    custom: row.claims,
    disabledAt: row.disabled_at,
    revokedBefore: row.revoked_before,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
