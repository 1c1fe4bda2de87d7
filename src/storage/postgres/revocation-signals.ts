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
    const { schema } = this.#database;
    // The payload is the schema of whoever notifies; a function from before that change sends none.
    const onNotify = (payload: string) => {
      if (payload === '' || payload === schema) onSignal();
    };
    return this.#database.listen(channel, { onNotify, onReset: onSignal });
  }
}
