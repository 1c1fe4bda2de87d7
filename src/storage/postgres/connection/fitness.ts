/** Whether this server can work with what DATABASE_URL leads to: what cannot be set by a connection, and what poolers do. */
import type pg from 'pg';
import { briefly, connectTo, type Target } from './target.js';

export interface Fitness {
  encoding: string;
  /** What stands between: none, or a pooler that keeps a connection for as long as ours lasts, or one that does not. */
  pooler: 'none' | 'session' | 'transaction';
  /** Triggers run, and foreign keys hold. */
  hasTriggers: boolean;
  /** As the database or the role says, or since it is a replica. */
  isReadOnly: boolean;
  /** What has been committed outlives a crash. */
  isDurable: boolean;
}

/** The database cannot be used as it is. The message says why, and what to do. */
export class UnfitDatabase extends Error {
  override readonly name = 'UnfitDatabase';
}

const look = `
  SELECT current_setting('server_encoding') AS encoding,
    current_setting('session_replication_role') <> 'replica' AS "hasTriggers",
    current_setting('transaction_read_only')::boolean AS "isReadOnly",
    current_setting('fsync')::boolean AS "isDurable"`;

export async function fitnessOf(target: Target): Promise<Fitness> {
  const first = await connectTo(target);
  try {
    const { rows } = await briefly(first, look);
    return { ...(rows[0] as Omit<Fitness, 'pooler'>), pooler: await poolerBetween(first, target) };
  } finally {
    void first.end().catch(() => undefined);
  }
}

async function poolerBetween(first: pg.Client, target: Target): Promise<Fitness['pooler']> {
  const backend = async (client: pg.Client) =>
    Number((await briefly(client, 'SELECT pg_backend_pid() AS pid')).rows[0].pid);
  // A pooler gives its clients a number of its own.
  const { processID } = first as unknown as { processID: number | null };
  if (processID === (await backend(first))) return 'none';
  const second = await connectTo(target);
  try {
    const order = [first, second, first, first, second, second];
    const seen = new Map<pg.Client, Set<number>>([
      [first, new Set()],
      [second, new Set()],
    ]);
    for (const client of order) seen.get(client)?.add(await backend(client));
    const [ofFirst = new Set<number>(), ofSecond = new Set<number>()] = [...seen.values()];
    const isShared = [...ofFirst].some((pid) => ofSecond.has(pid));
    return isShared || ofFirst.size > 1 || ofSecond.size > 1 ? 'transaction' : 'session';
  } finally {
    void second.end().catch(() => undefined);
  }
}

/** Throws {@link UnfitDatabase}. */
export function requireFit({ encoding, pooler, hasTriggers }: Fitness): void {
  if (pooler === 'transaction') {
    throw new UnfitDatabase(
      'DATABASE_URL leads through a pooler that gives each transaction another connection (pool_mode=transaction or ' +
        'statement), so that prepared statements, settings and locks get lost: use pool_mode=session, or the database itself',
    );
  }
  if (encoding !== 'UTF8') {
    throw new UnfitDatabase(
      `the encoding of the database is ${encoding}, and has to be UTF8: make another one with ` +
        `CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0`,
    );
  }
  if (!hasTriggers) {
    throw new UnfitDatabase(
      'session_replication_role is replica for this database or role, so that no trigger runs: reset it',
    );
  }
}
