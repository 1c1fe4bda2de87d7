/** Users and clients, as the admin operations would leave them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { loadConfig } from '../../src/config.js';
import { secretHash } from '../../src/secrets.js';
import { openDatabase } from '../../src/storage/open.js';
import type { Database } from '../../src/storage/postgres/database.js';
import type { Prisma } from '../../src/storage/postgres/generated/client.js';
import { PasswordHasher } from '../../src/users/password-hasher.js';
import type { Settings } from './server.js';
import { persistently } from './stalls.js';

export const password = 'correct horse battery staple';

const hasher = new PasswordHasher({
  memoryKib: 1024,
  timeCost: 2,
  parallelism: 1,
  concurrency: 1,
  queueLength: 1_000,
});
const hashes = new Map<string, Promise<string>>();

/** Each password is hashed once per test process. */
export function hashOf(value: string): Promise<string> {
  const known = hashes.get(value) ?? hasher.hash(value);
  hashes.set(value, known);
  return known;
}

export type UserFields = Partial<Omit<Prisma.UserCreateInput, 'sessions'>> & { password?: string };

export interface SeededUser {
  id: string;
  email: string;
  password: string;
}

/** A user with {@link password} and an e-mail address of their own, unless told otherwise. */
export async function seedUser(database: Database, fields: UserFields = {}): Promise<SeededUser> {
  const { password: own = password, ...rest } = fields;
  const passwordHash = await hashOf(own);
  const user = await persistently(() => {
    const id = randomUUID();
    const data = { id, email: `${id}@example.test`, passwordHash, roles: [], permissions: [], ...rest };
    return database.prisma.user.create({ data });
  });
  return { id: user.id, email: user.email, password: own };
}

export type ClientFields = Partial<Omit<Prisma.ClientCreateInput, 'sessions' | 'secretHash'>>;

export interface SeededClient {
  id: string;
  /** Empty for a public client. */
  secret: string;
}

/** A public client for logins, with the scopes `read` and `write`, unless told otherwise. */
export async function seedClient(database: Database, fields: ClientFields = {}): Promise<SeededClient> {
  const { type = 'public', ...rest } = fields;
  const secret = type === 'confidential' ? randomBytes(32).toString('base64url') : '';
  const client = await persistently(() =>
    database.prisma.client.create({
      data: {
        id: `client-${randomBytes(6).toString('hex')}`,
        type,
        grants: type === 'public' ? ['password', 'refresh_token'] : ['client_credentials'],
        scope: ['read', 'write'],
        audiences: [],
        origins: [],
        secretHash: secret ? new Uint8Array(secretHash(secret)) : null,
        ...rest,
      },
    }),
  );
  return { id: client.id, secret };
}

/** Opens the database that a server with these settings would open; for the embedded one, that server must not run. */
export async function withDatabase<T>(
  settings: Settings,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const log = pino({ level: 'silent' });
  const database = await openDatabase({ config: loadConfig(settings), log });
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}
