/** Opens whatever the settings name, and gives it the shape of the domain's interfaces. */
import type { Redis } from 'ioredis';
import type { StorageStatus } from '../admin/context.js';
import type { RevocationView } from '../blocklist/blocklist.js';
import { MemoryView } from '../blocklist/memory-view.js';
import type { ClientAdministration } from '../clients/client-administration.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { EncryptedKeyStore, KeyStore } from '../keys/key-store.js';
import { type AttemptCounter, MemoryAttemptCounter } from '../limits/attempts.js';
import { MemoryRateTally, type RateTally } from '../limits/rate-tally.js';
import type { Logger } from '../log.js';
import type { RevocationSignals } from '../revocation/feed.js';
import type { RandomBytes } from '../secrets.js';
import type { SessionAdministration } from '../sessions/session-administration.js';
import type { UserAdministration } from '../users/user-administration.js';
import { databaseKeyHome, fileKeyHome } from './key-home.js';
import { PostgresAuditLog } from './postgres/audit-log.js';
import { PostgresClientAdministration } from './postgres/client-administration.js';
import { PostgresClientStore } from './postgres/client-store.js';
import { UnfitDatabase } from './postgres/connection/fitness.js';
import { Database } from './postgres/database.js';
import { openEmbedded } from './postgres/embedded-driver.js';
import { isUnavailable } from './postgres/failure.js';
import { PostgresRevocationSignals } from './postgres/revocation-signals.js';
import { PostgresRevocationStore } from './postgres/revocation-store.js';
import { openServer } from './postgres/server-driver.js';
import { PostgresSessionAdministration } from './postgres/session-administration.js';
import { PostgresSessionStore } from './postgres/session-store.js';
import { Sweeper } from './postgres/sweeper.js';
import { PostgresUserAdministration } from './postgres/user-administration.js';
import { PostgresUserStore } from './postgres/user-store.js';
import { RedisAttemptCounter } from './redis/attempts.js';
import { openRedis } from './redis/connection.js';
import { RedisRateTally } from './redis/rate-tally.js';
import { anyOf, RedisRevocationSignals } from './redis/revocation-signals.js';
import { RedisRevocationView } from './redis/revocation-view.js';
import { storageStatus } from './status.js';

export interface StorageOptions {
  config: Config;
  clock: Clock;
  randomBytes: RandomBytes;
  log: Logger;
  /** What needs no database, such as keys in files, is to work without it. Default: false. */
  databaseMayBeAway?: boolean;
}

export interface Storage {
  database: Database;
  redis: Redis | undefined;
  users: PostgresUserStore;
  clients: PostgresClientStore;
  sessions: PostgresSessionStore;
  revocations: PostgresRevocationStore;
  revocationView: RevocationView;
  revocationSignals: RevocationSignals;
  loginAttempts: AttemptCounter;
  requestTally: RateTally;
  audit: PostgresAuditLog;
  keys: KeyStore;
  /** Not started. */
  sweeper: Sweeper;
  /** What only admins do. */
  administration: {
    users: UserAdministration;
    clients: ClientAdministration;
    sessions: SessionAdministration;
    /** Where signing keys can live, whatever KEY_STORE says; no `database` without KEY_ENCRYPTION_KEY. */
    keyHomes: { files(): KeyStore; database(): EncryptedKeyStore | undefined };
  };
  /** Throws when the database does not answer. */
  status(): Promise<StorageStatus>;
  close(): Promise<void>;
}

export class UnmigratedDatabase extends Error {
  override readonly name = 'UnmigratedDatabase';
  constructor(pending: readonly string[], schema: string) {
    const where = schema === 'public' ? 'the database' : `the schema "${schema}" of the database`;
    super(
      `${where} lacks ${pending.length} migration(s): run "keyturn migrate" first (${pending.join(', ')})`,
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

/** Everything, ready for use. Throws `UnfitDatabase`, and {@link UnmigratedDatabase} where a server's database was not migrated. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const database = await openDatabase(options);
  try {
    await requireReady(database, options.databaseMayBeAway ?? false);
    return assemble(options, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function requireReady(database: Database, mayBeAway: boolean): Promise<void> {
  try {
    await database.requireFit();
    const pending = await database.pendingMigrations();
    if (pending.length > 0) throw new UnmigratedDatabase(pending, database.schema);
  } catch (error) {
    if (!mayBeAway || isDefinite(error) || !isUnavailable(error)) throw error;
  }
}

function isDefinite(error: unknown): boolean {
  return error instanceof UnfitDatabase || error instanceof UnmigratedDatabase;
}

function assemble(options: StorageOptions, database: Database): Storage {
  const { config, clock, log } = options;
  const revocations = new PostgresRevocationStore(database);
  const signals = new PostgresRevocationSignals(database);
  const redis = config.redisUrl ? openRedis(config.redisUrl, log) : undefined;
  const redisView = redis && new RedisRevocationView(redis, revocations, log);
  redisView?.start();
  const redisTally = redis && new RedisRateTally(redis, clock);
  redisTally?.start();
  return {
    database,
    redis,
    users: new PostgresUserStore(database),
    clients: new PostgresClientStore(database),
    sessions: new PostgresSessionStore(database, config),
    revocations,
    revocationView: redisView ?? new MemoryView(clock),
    revocationSignals: redis ? anyOf(signals, new RedisRevocationSignals(redis)) : signals,
    loginAttempts: redis ? new RedisAttemptCounter(redis, clock) : new MemoryAttemptCounter(clock),
    requestTally: redisTally ?? new MemoryRateTally(clock),
    audit: new PostgresAuditLog(database),
    keys: config.keyStore === 'database' ? databaseKeyHome(options, database) : fileKeyHome(options),
    administration: administration(options, database),
    status: () => storageStatus(database, redis, clock),
    sweeper: new Sweeper(database, config, log),
    close: async () => {
      redisView?.stop();
      redisTally?.stop();
      redis?.disconnect();
      await database.close();
    },
  };
}

function administration(options: StorageOptions, database: Database): Storage['administration'] {
  return {
    users: new PostgresUserAdministration(database, options.config),
    clients: new PostgresClientAdministration(database, options.config),
    sessions: new PostgresSessionAdministration(database, options.config),
    keyHomes: {
      files: () => fileKeyHome(options),
      database: () => (options.config.keyEncryptionKey ? databaseKeyHome(options, database) : undefined),
    },
  };
}
