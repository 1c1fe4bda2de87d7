/**
 * Prepared statements that are prepared again, by themselves, when the server no longer takes them: after a migration of a later
 * version ("cached plan must not change result type"), or when what was prepared is not there any more, or somebody else's.
 */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';

/** The server refused the statement before it ran it, so that running it again does nothing twice. */
export function isOutdatedStatement(error: unknown): boolean {
  const { code, routine } = (error ?? {}) as { code?: unknown; routine?: unknown };
  // 0A000 says "not supported" of many things. Messages are translated, the routine's name is not.
  if (code === '0A000') return routine === 'RevalidateCachedQuery';
  return code === '26000' || code === '42P05';
}

type Callback = (error: unknown, result?: unknown) => void;
type Query = (config: unknown, values?: unknown, callback?: Callback) => Promise<unknown>;
type Named = { name?: string | undefined; submit?: unknown };

/** What all connections of a pool share: what makes one statement outdated makes others so, on every connection. */
export class PreparedStatements {
  #suffix = '';

  /** From now on the connection's statements with a name are prepared again where that is needed. */
  watch(client: pg.ClientBase): void {
    const query = client.query.bind(client) as unknown as Query;
    const repreparing: Query = (config, values, callback) => {
      if (!isNamed(config)) return query(config, values, callback);
      const answer = this.#run(client, query, config, values);
      if (!callback) return answer;
      answer.then((result) => callback(undefined, result), callback);
      return answer;
    };
    client.query = repreparing as unknown as typeof client.query;
  }

  async #run(client: pg.ClientBase, query: Query, config: Named, values: unknown): Promise<unknown> {
    const suffix = this.#suffix;
    try {
      return await query(withSuffix(config, suffix), values);
    } catch (error) {
      if (!isOutdatedStatement(error)) throw error;
      // Another name is prepared anew, whatever the old one stands for.
      if (suffix === this.#suffix) this.#suffix = `_${randomBytes(4).toString('hex')}`;
      // A transaction is over after any failure: whoever began it runs it again.
      if (client.getTransactionStatus() !== 'I') throw error;
      return query(withSuffix(config, this.#suffix), values);
    }
  }
}

function isNamed(config: unknown): config is Named {
  const { name, submit } = (config ?? {}) as Named;
  return typeof config === 'object' && Boolean(name) && typeof submit !== 'function';
}

function withSuffix(config: Named, suffix: string): Named {
  return suffix === '' ? config : { ...config, name: `${config.name}${suffix}` };
}
