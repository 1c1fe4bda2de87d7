/** A PostgreSQL server, by DATABASE_URL. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { followChannel } from './connection/channel.js';
import { fitnessOf } from './connection/fitness.js';
import { isOutdatedStatement, PreparedStatements } from './connection/prepared.js';
import { quotedIdentifier, withoutTimeLimits } from './connection/settings.js';
import {
  connectTimeoutMilliseconds,
  connectTo,
  statementTimeoutMilliseconds,
  type Target,
  targetOf,
} from './connection/target.js';
import { explained } from './connection/unreachable.js';
import type { Driver, Row } from './database.js';
import { statement } from './database.js';

export interface ServerOptions {
  url: string;
  poolSize: number;
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  onConnectionError: (error: Error) => void;
}

const scriptTimeoutMilliseconds = 3_600_000;
const migrationUnlock = 'SELECT pg_advisory_unlock_all()';

export function openServer({ url, poolSize, onConnectionError }: ServerOptions): Driver {
  const target = targetOf(url);
  const pool = openPool(target, poolSize);
  pool.on('error', onConnectionError);
  const listeners = new Set<() => Promise<void>>();
  const explaining = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw explained(error, target);
    });
  const { schema } = target;
  const run = runOn(pool);
  return {
    kind: 'server',
    schema,
    adapter: new PrismaPgForScripts(pool, {
      schema,
      statementNameGenerator: ({ sql }) => statement(sql).name,
    }),
    run: (name, text, values) => explaining(run(name, text, values)),
    transaction: (work) => explaining(inTransaction(pool, work)),
    listen: async (channel, listener) => {
      const stop = followChannel(target, channel, listener);
      listeners.add(stop);
      return stop;
    },
    exclusively: (work) => explaining(holdingMigrationLock(target, work)),
    fitness: () => explaining(fitnessOf(target)),
    makeSchema: () => explaining(makeSchema(run, schema)),
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: async () => {
      await Promise.all([...listeners].map((stop) => stop()));
      await pool.end();
    },
  };
}

function openPool({ connection, settings }: Target, poolSize: number): pg.Pool {
  const prepared = new PreparedStatements();
  const pool = new pg.Pool({
    ...connection,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMilliseconds,
    query_timeout: statementTimeoutMilliseconds,
    onConnect: async (client) => {
      await client.query(settings);
    },
  });
  pool.on('connect', (client) => prepared.watch(client));
  return pool;
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
  const attempt = async (): Promise<T> => {
    try {
      await client.query('BEGIN');
      const result = await work(runOn(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // A statement that was given up may still run: nothing can be said on this connection before it ends.
      if (isGivenUp(error)) broken = true;
      else await client.query('ROLLBACK').catch(onError);
      // The next connection may lead to another server, or begin when the database may be written again.
      if (isReadOnly(error)) broken = true;
      throw error;
    }
  };
  try {
    return await attempt().catch((error: unknown) => {
      // Nothing of it was done, and all its statements are prepared anew.
      if (isOutdatedStatement(error) && !broken) return attempt();
      throw error;
    });
  } finally {
    client.off('error', onError);
    // A connection that could not even roll back is not given to the next caller.
    client.release(broken);
  }
}

function isGivenUp(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

function isReadOnly(error: unknown): boolean {
  return (error as { code?: unknown }).code === '25006';
}

async function runScript(pool: pg.Pool, text: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(withoutTimeLimits);
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

/** Asked for first: with the schema there, nobody needs the right to make it. */
async function makeSchema(run: Driver['run'], schema: string): Promise<void> {
  const [there] = await run('', 'SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  if (!there) await run('', `CREATE SCHEMA IF NOT EXISTS ${quotedIdentifier(schema)}`, []);
}

/** Servers in different schemas of a database do not wait for each other. */
function migrationLock(schema: string): string {
  const name = schema === 'public' ? 'keyturn.migrations' : `keyturn.migrations.${schema}`;
  return `SELECT pg_advisory_lock(hashtext('${name}'))`;
}

/** A session-level advisory lock on a connection of its own: it ends with the process that held it. */
async function holdingMigrationLock<T>(target: Target, work: () => Promise<T>): Promise<T> {
  const client = await connectTo(target);
  try {
    await client.query(migrationLock(target.schema));
    const result = await work();
    await client.query(migrationUnlock);
    return result;
  } finally {
    await client.end();
  }
}
