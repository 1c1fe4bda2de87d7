/** The keys' home in PostgreSQL, for tests. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../src/storage/postgres/database.js';
import { PostgresKeyStore } from '../../src/storage/postgres/key-store.js';
import { RecordSealer } from '../../src/storage/postgres/record-sealer.js';

export function newEncryptionKey(): string {
  return randomBytes(32).toString('base64url');
}

export function databaseStore(database: Database, key: string, previous?: string): PostgresKeyStore {
  return new PostgresKeyStore({ database, sealer: new RecordSealer(key, previous), randomBytes });
}
