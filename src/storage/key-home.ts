/** The two homes of signing keys. */
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { EncryptedKeyStore, KeyStore } from '../keys/key-store.js';
import type { RandomBytes } from '../secrets.js';
import { FileKeyStore } from './files/key-store.js';
import type { Database } from './postgres/database.js';
import { PostgresKeyStore } from './postgres/key-store.js';
import { RecordSealer } from './postgres/record-sealer.js';

export interface KeyHomeOptions {
  config: Pick<Config, 'keysDirectory' | 'keyEncryptionKey' | 'keyEncryptionKeyPrevious'>;
  clock: Clock;
  randomBytes: RandomBytes;
}

/** The home in KEYS_DIR. */
export function fileKeyHome({ config, clock, randomBytes }: KeyHomeOptions): KeyStore {
  return new FileKeyStore({ directory: config.keysDirectory, clock, randomBytes });
}

/** The home in the database. Throws without KEY_ENCRYPTION_KEY. */
export function databaseKeyHome(
  { config, randomBytes }: KeyHomeOptions,
  database: Database,
): EncryptedKeyStore {
  if (!config.keyEncryptionKey) throw new Error('KEY_ENCRYPTION_KEY is needed for keys in the database');
  const sealer = new RecordSealer(config.keyEncryptionKey, config.keyEncryptionKeyPrevious);
  return new PostgresKeyStore({ database, sealer, randomBytes });
}
