/** Opens whatever the settings name, and gives it the shape of the domain's interfaces. */
import type { Redis } from 'ioredis';
import type { RevocationView } from '../blocklist/blocklist.js';
import { MemoryView } from '../blocklist/memory-view.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { KeyStore } from '../keys/key-store.js';
import type { Logger } from '../log.js';
import type { RandomBytes } from '../secrets.js';
import { databaseKeyHome, fileKeyHome } from './key-home.js';
import { PostgresAuditLog } from './postgres/audit-log.js';
import { PostgresClientStore } from './postgres/client-store.js';
import { Database } from './postgres/database.js';
import { openEmbedded } from './postgres/embedded-driver.js';
import { PostgresRevocationStore } from './postgres/revocation-store.js';
import { openServer } from './postgres/server-driver.js';
import { PostgresSessionStore } from './postgres/session-store.js';
import { PostgresUserStore } from './postgres/user-store.js';
import { openRedis } from './redis/connection.js';
import { RedisRevocationView } from './redis/revocation-view.js';

export interface StorageOptions {
  config: Config;
  clock: Clock;
  randomBytes: RandomBytes;
  log: Logger;
}

export interface Storage {
  database: Database;
  redis: Redis | undefined;
  users: PostgresUserStore;
  clients: PostgresClientStore;
  sessions: PostgresSessionStore;
  revocations: PostgresRevocationStore;
  revocationView: RevocationView;
  audit: PostgresAuditLog;
  keys: KeyStore;
  close(): Promise<void>;
}

export class UnmigratedDatabase extends Error {
  override readonly name = 'UnmigratedDatabase';
  constructor(pending: readonly string[]) {
    super(
      `the database lacks ${pending.length} migration(s): run "keyturn migrate" first (${pending.join(', ')})`,
    );
  }
}

/** The database alone: a server, or the embedded one, which is migrated as it is opened. Throws `DirectoryInUse`. */
export async function openDatabase({
  config,
  log,
}: Pick<StorageOptions, 'config' | 'log'>): Promise<Database> {
  if (!config.databaseUrl) {
    const database = new Database(await openEmbedded(config.dataDirectory));
    await database.migrate();
    return database;
  }
  const onConnectionError = (error: Error) => log.warn({ err: error }, 'database connection lost');
  return new Database(
    openServer({ url: config.databaseUrl, poolSize: config.databasePoolSize, onConnectionError }),
  );
}

/** Everything, ready for use. Throws {@link UnmigratedDatabase} where a server's database was not migrated. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const database = await openDatabase(options);
  try {
    const pending = await database.pendingMigrations();
    if (pending.length > 0) throw new UnmigratedDatabase(pending);
    return assemble(options, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function assemble(options: StorageOptions, database: Database): Storage {
  const { config, clock, log } = options;
  const revocations = new PostgresRevocationStore(database);
  const redis = config.redisUrl ? openRedis(config.redisUrl, log) : undefined;
  const redisView = redis && new RedisRevocationView(redis, revocations, log);
  redisView?.start();
  return {
    database,
    redis,
    users: new PostgresUserStore(database),
    clients: new PostgresClientStore(database),
    sessions: new PostgresSessionStore(database, config),
    revocations,
    revocationView: redisView ?? new MemoryView(clock),
    audit: new PostgresAuditLog(database),
    keys: config.keyStore === 'database' ? databaseKeyHome(options, database) : fileKeyHome(options),
    close: async () => {
      redisView?.stop();
      redis?.disconnect();
      await database.close();
    },
  };
}
