/** NOTIFY of the trigger on `revocations`, and of a connection that may have missed some. */
import type { RevocationSignals } from '../../revocation/feed.js';
import type { Database } from './database.js';

const channel = 'keyturn_revocations';

export class PostgresRevocationSignals implements RevocationSignals {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  listen(onSignal: () => void): Promise<() => Promise<void>> {
    return this.#database.listen(channel, onSignal, onSignal);
  }
}
