/** A database of its own for a test of the keys in PostgreSQL. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Database } from '../../src/storage/postgres/database.js';
import { PostgresKeyStore } from '../../src/storage/postgres/key-store.js';
import { RecordSealer } from '../../src/storage/postgres/record-sealer.js';
import { openServer } from '../../src/storage/postgres/server-driver.js';

export const serverUrl = process.env.TEST_DATABASE_URL;

/** Creates and migrates an empty database on the test server, dropped after the test. Answers its URL. */
export async function temporaryDatabase(
  t: { teardown(fn: () => Promise<void>): unknown },
  url: string,
): Promise<string> {
  const name = `keyturn_keys_${randomBytes(6).toString('hex')}`;
  const ownUrl = new URL(url);
  ownUrl.pathname = `/${name}`;
  await query(url, `CREATE DATABASE ${name}`);
  t.teardown(() => query(url, `DROP DATABASE ${name} WITH (FORCE)`));
  const database = openDatabase(ownUrl.href);
  await database.migrate();
  await database.close();
  return ownUrl.href;
}

export function openDatabase(url: string): Database {
  return new Database(openServer({ url, poolSize: 4, onConnectionError: () => {} }));
}

export function newEncryptionKey(): string {
  return randomBytes(32).toString('base64url');
}

export function databaseStore(database: Database, key: string, previous?: string): PostgresKeyStore {
  return new PostgresKeyStore({ database, sealer: new RecordSealer(key, previous), randomBytes });
}

export async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
