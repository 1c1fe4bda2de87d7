/** A PostgreSQL server, by DATABASE_URL. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Driver, Row } from './database.js';
import { statement } from './database.js';

export interface ServerOptions {
  url: string;
  poolSize: number;
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  onConnectionError: (error: Error) => void;
}

// One after the other, both stay under what clients and proxies wait for.
const connectTimeoutMilliseconds = 1_500;
const statementTimeoutMilliseconds = 3_000;
const scriptTimeoutMilliseconds = 3_600_000;
/**
 * For each connection, by the server's own clock. A statement is over before its caller gives it up: one that waited on for a lock
 * would be done long after the answer. An instance that freezes in mid-transaction does not hold its locks for as long as TCP
 * takes to notice.
 */
const serverTimeouts = 'SET statement_timeout = 2800; SET idle_in_transaction_session_timeout = 5000';
const withoutStatementTimeout = 'SET statement_timeout = 0';
const migrationLock = `SELECT pg_advisory_lock(hashtext('keyturn.migrations'))`;
const migrationUnlock = `SELECT pg_advisory_unlock(hashtext('keyturn.migrations'))`;

export function openServer({ url, poolSize, onConnectionError }: ServerOptions): Driver {
  const connection = { connectionString: url, application_name: 'keyturn', keepAlive: true };
  const pool = new pg.Pool({
    ...connection,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMilliseconds,
    query_timeout: statementTimeoutMilliseconds,
    onConnect: async (client) => {
      await client.query(serverTimeouts);
    },
  });
  pool.on('error', onConnectionError);
  const listeners = new Set<() => Promise<void>>();
  return {
    kind: 'server',
    adapter: new PrismaPgForScripts(pool, { statementNameGenerator: ({ sql }) => statement(sql).name }),
    run: runOn(pool),
    transaction: (work) => inTransaction(pool, work),
    listen: async (channel, listener, onReset) => {
      const stop = followChannel(connection, channel, listener, onReset);
      listeners.add(stop);
      return stop;
    },
    exclusively: (work) => holdingMigrationLock(connection, work),
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: async () => {
      await Promise.all([...listeners].map((stop) => stop()));
      await pool.end();
    },
  };
}

function runOn(connection: pg.Pool | pg.PoolClient): Driver['run'] {
  return async (name, text, values) =>
    (await connection.query<Row>(name ? { name, text, values } : { text, values })).rows;
}

async function inTransaction<T>(pool: pg.Pool, work: (run: Driver['run']) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  // A connection that breaks between two statements says so here; the next statement fails, which is enough.
  const onError = () => {
    broken = true;
  };
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const result = await work(runOn(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A statement that was given up may still run: nothing can be said on this connection before it ends.
    if (isGivenUp(error)) broken = true;
    else await client.query('ROLLBACK').catch(onError);
    throw error;
  } finally {
    client.off('error', onError);
    // A connection that could not even roll back is not given to the next caller.
    client.release(broken);
  }
}

function isGivenUp(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

async function runScript(pool: pg.Pool, text: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(withoutStatementTimeout);
    await client.query({ text, query_timeout: scriptTimeoutMilliseconds } as pg.QueryConfig);
  } finally {
    // Its settings are its own: the next caller gets a fresh connection.
    client.release(true);
  }
}

/** Prisma's adapter splits scripts at every `;`, inside function bodies too: a script goes to the server whole. */
class PrismaPgForScripts extends PrismaPg {
  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const pool = adapter.underlyingDriver();
    adapter.executeScript = (text) => runScript(pool, text);
    return adapter;
  }
}

/** A session-level advisory lock on a connection of its own: it ends with the process that held it. */
async function holdingMigrationLock<T>(connection: pg.ClientConfig, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: connectTimeoutMilliseconds });
  await client.connect();
  try {
    await client.query(migrationLock);
    const result = await work();
    await client.query(migrationUnlock);
    return result;
  } finally {
    await client.end();
  }
}

const reconnectDelayMilliseconds = 500;

/** Listens on one connection of its own and connects again for as long as it takes. */
function followChannel(
  connection: pg.ClientConfig,
  channel: string,
  listener: () => void,
  onReset: () => void,
): () => Promise<void> {
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;

  const connectAgain = (): void => {
    client?.removeAllListeners();
    client?.on('error', () => undefined);
    if (!stopped) retry = setTimeout(() => void connect(), reconnectDelayMilliseconds);
  };
  const connect = async (): Promise<void> => {
    client = new pg.Client({ ...connection, connectionTimeoutMillis: connectTimeoutMilliseconds });
    client.on('notification', listener);
    client.once('error', connectAgain);
    client.once('end', connectAgain);
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      onReset();
    } catch {
      await client.end().catch(() => undefined);
    }
  };
  void connect();
  return async () => {
    stopped = true;
    clearTimeout(retry);
    await client?.end().catch(() => undefined);
  };
}
