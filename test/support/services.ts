/**
 * PostgreSQL and Redis for tests: those that TEST_DATABASE_URL and TEST_REDIS_URL name, else private ones from the
 * programs that this machine has. Where there is neither, {@link needs} skips, and with CI=true it fails.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Database } from '../../src/storage/postgres/database.js';
import { openServer } from '../../src/storage/postgres/server-driver.js';
import { hasPostgres, PrivatePostgres, type PrivatePostgresOptions } from './private-postgres.js';
import { hasRedis, PrivateRedis } from './private-redis.js';
import { persistently } from './stalls.js';

/** What of a tap test the helpers use. */
export interface Scope {
  teardown(clean: () => unknown): unknown;
}

export type Service = 'postgres' | 'redis' | 'private postgres' | 'private redis';

const available: Record<Service, () => boolean> = {
  postgres: () => Boolean(process.env.TEST_DATABASE_URL) || hasPostgres(),
  redis: () => Boolean(process.env.TEST_REDIS_URL) || hasRedis(),
  'private postgres': hasPostgres,
  'private redis': hasRedis,
};

const remedy: Record<Service, string> = {
  postgres: 'PostgreSQL (TEST_DATABASE_URL, or the programs initdb and postgres)',
  redis: 'Redis (TEST_REDIS_URL, or the program redis-server)',
  'private postgres': 'the programs initdb and postgres',
  'private redis': 'the program redis-server',
};

/** Options for `t.test`: skips, with the reason, where a service is missing. Throws instead with CI=true. */
export function needs(...services: Service[]): { skip?: string } {
  const missing = services.filter((service) => !available[service]()).map((service) => remedy[service]);
  if (missing.length === 0) return {};
  const skip = `needs ${missing.join(' and ')}`;
  if (process.env.CI === 'true') throw new Error(`CI=true skips nothing, and this suite ${skip}`);
  return { skip };
}

let sharedPostgres: Promise<PrivatePostgres> | undefined;

async function databaseServerUrl(): Promise<string> {
  if (process.env.TEST_DATABASE_URL) return process.env.TEST_DATABASE_URL;
  sharedPostgres ??= PrivatePostgres.start({ fsync: false });
  return (await sharedPostgres).url;
}

export interface TestDatabaseOptions {
  /** Default: true. */
  migrated?: boolean;
  /** A server of the test's own. */
  on?: PrivatePostgres;
}

/** The URL of a fresh database, dropped when the test ends. */
export async function testDatabase(
  t: Scope,
  { migrated = true, on }: TestDatabaseOptions = {},
): Promise<string> {
  const serverUrl = on?.url ?? (await databaseServerUrl());
  const name = `keyturn_test_${randomBytes(6).toString('hex')}`;
  await runSql(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0`);
  t.teardown(() => runSql(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => undefined));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  if (migrated) await migrate(url.href);
  return url.href;
}

/** Opens a test database as the server does. The caller closes it. */
export function openTestDatabase(url: string): Database {
  return new Database(openServer({ url, poolSize: 4, onConnectionError: () => undefined }));
}

function migrate(url: string): Promise<void> {
  return persistently(async () => {
    const database = openTestDatabase(url);
    try {
      await database.migrate();
    } finally {
      await database.close();
    }
  });
}

/** Runs statements on a connection of their own and answers the last one's rows. */
export async function runSql(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

export async function privatePostgres(t: Scope, options?: PrivatePostgresOptions): Promise<PrivatePostgres> {
  const server = await PrivatePostgres.start(options);
  t.teardown(() => server.remove());
  return server;
}

export async function privateRedis(t: Scope): Promise<PrivateRedis> {
  const redis = await PrivateRedis.start();
  t.teardown(() => redis.remove());
  return redis;
}

/** The URL of an empty logical database of the shared Redis, or of a private one; emptied when the test ends. */
export async function testRedis(t: Scope): Promise<string> {
  const shared = process.env.TEST_REDIS_URL;
  const url = shared && (await claimLogicalDatabase(t, shared));
  return url || (await privateRedis(t)).url;
}

const logicalDatabases = 15;
const claimSeconds = 300;

/** Test processes share one Redis: a key in database 0 says whose each of the others is. */
async function claimLogicalDatabase(t: Scope, sharedUrl: string): Promise<string | undefined> {
  const redis = new Redis(sharedUrl);
  try {
    for (let index = 1; index <= logicalDatabases; index += 1) {
      const claim = `keyturn:test:claim:${index}`;
      if ((await redis.set(claim, process.pid, 'EX', claimSeconds, 'NX')) === null) continue;
      await redis.select(index);
      const empty = (await redis.dbsize()) === 0;
      await redis.select(0);
      // Not ours to empty: somebody keeps data in it.
      if (!empty) continue;
      t.teardown(() => releaseLogicalDatabase(sharedUrl, index, claim));
      const url = new URL(sharedUrl);
      url.pathname = `/${index}`;
      return url.href;
    }
    return undefined;
  } finally {
    redis.disconnect();
  }
}

async function releaseLogicalDatabase(sharedUrl: string, index: number, claim: string): Promise<void> {
  const redis = new Redis(sharedUrl);
  await redis.select(index);
  await redis.flushdb();
  await redis.select(0);
  await redis.del(claim);
  redis.disconnect();
}
