/** The database as the stores see it: prepared statements, transactions, a channel to listen on; Prisma's schema, migrations and types. */
import { createHash } from 'node:crypto';
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type { ChannelListener } from './connection/channel.js';
import { type Fitness, requireFit } from './connection/fitness.js';
import { isOutdated, storageFailure } from './failure.js';
import { PrismaClient } from './generated/client.js';
import { applyMigrations, pendingMigrations, type RunSql } from './migrations.js';

export type Row = Record<string, unknown>;

/** What differs between a PostgreSQL server and the embedded one. */
export interface Driver {
  kind: 'server' | 'embedded';
  /** Where the tables are. */
  schema: string;
  adapter: SqlMigrationAwareDriverAdapterFactory;
  /** Runs one prepared statement. `name` identifies its text. */
  run(name: string, text: string, values: unknown[]): Promise<Row[]>;
  /**
   * Runs `work` in one transaction (READ COMMITTED), which is rolled back when it throws. Runs it once more after a rollback
   * when its statements had to be prepared again.
   */
  transaction<T>(work: (run: Driver['run']) => Promise<T>): Promise<T>;
  /** Until it is stopped by what it returns. */
  listen(channel: string, listener: ChannelListener): Promise<() => Promise<void>>;
  /** Runs `work` while holding a lock that one process of all has. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** What a connection finds that it cannot set. */
  fitness(): Promise<Fitness>;
  /** Makes the schema, where it is missing. */
  makeSchema(): Promise<void>;
  /** Connections; undefined where there are none. */
  pool(): PoolReading | undefined;
  close(): Promise<void>;
}

export interface PoolReading {
  total: number;
  idle: number;
  waiting: number;
}

/** A statement of the hot path, answering rows of `R`: named by the hash of its text, and prepared once per connection. */
export interface Statement<R extends Row = Row> {
  name: string;
  text: string;
  /** Only a type: what each row holds. */
  row?: R;
}

export function statement<R extends Row = Row>(text: string): Statement<R> {
  return { text, name: `keyturn_${createHash('sha256').update(text).digest('hex').slice(0, 16)}` };
}

/** Where statements run: the database, or one transaction in it. */
export interface Queries {
  /** Throws `temporarily_unavailable` when the database is away. */
  run<R extends Row>(query: Statement<R>, values: unknown[]): Promise<R[]>;
}

const ping = statement('SELECT 1');

export class Database implements Queries {
  readonly kind: Driver['kind'];
  readonly schema: string;
  readonly prisma: PrismaClient;
  readonly #driver: Driver;

  constructor(driver: Driver) {
    this.kind = driver.kind;
    this.schema = driver.schema;
    this.#driver = driver;
    this.prisma = withStorageFailures(new PrismaClient({ adapter: driver.adapter, errorFormat: 'minimal' }));
  }

  /** Runs a statement. Throws `temporarily_unavailable` when the database is away. */
  async run<R extends Row>(query: Statement<R>, values: unknown[]): Promise<R[]> {
    try {
      return (await this.#driver.run(query.name, query.text, values)) as R[];
    } catch (error) {
      throw storageFailure(error);
    }
  }

  /**
   * Runs `work` in one transaction, where each statement sees what others committed before it began. Within `work`, nothing
   * but `queries` may touch the database: the embedded one has a single connection. It may be run twice, the first time for
   * nothing: whatever it does beside its queries must bear that.
   */
  async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    try {
      return await this.#driver.transaction((run) => work(queriesOver(run)));
    } catch (error) {
      throw storageFailure(error);
    }
  }

  /** Throws when the database does not answer. */
  async ping(): Promise<void> {
    await this.run(ping, []);
  }

  pool(): PoolReading | undefined {
    return this.#driver.pool();
  }

  listen(channel: string, listener: ChannelListener): Promise<() => Promise<void>> {
    return this.#driver.listen(channel, listener);
  }

  fitness(): Promise<Fitness> {
    return this.#driver.fitness();
  }

  /** Throws `UnfitDatabase` when this server cannot work with the database as it is. */
  async requireFit(): Promise<void> {
    requireFit(await this.fitness());
  }

  pendingMigrations(): Promise<string[]> {
    const run: RunSql = (text, values = []) => this.#driver.run('', text, values);
    return pendingMigrations(run);
  }

  /** Applies what is pending, once, however many processes ask. Returns the names. Throws `UnfitDatabase`. */
  async migrate(): Promise<string[]> {
    await this.requireFit();
    return this.#driver.exclusively(async () => {
      const pending = await this.pendingMigrations();
      if (pending.length === 0) return [];
      await this.#driver.makeSchema();
      return applyMigrations(this.#driver.adapter);
    });
  }

  async close(): Promise<void> {
    await this.prisma.$disconnect();
    await this.#driver.close();
  }
}

function queriesOver(run: Driver['run']): Queries {
  return {
    run: async <R extends Row>(query: Statement<R>, values: unknown[]) =>
      (await run(query.name, query.text, values)) as R[],
  };
}

/** Every failed Prisma call passes {@link storageFailure}; one whose statements have to be prepared anew is made again. */
function withStorageFailures(client: PrismaClient): PrismaClient {
  return client.$extends({
    query: {
      $allOperations: ({ args, query }) =>
        query(args)
          .catch((error: unknown) => {
            if (!isOutdated(error)) throw error;
            // Within a transaction that is over, that fails for another reason.
            return query(args).catch(() => {
              throw error;
            });
          })
          .catch((error: unknown) => {
            throw storageFailure(error);
          }),
    },
  }) as unknown as PrismaClient;
}
