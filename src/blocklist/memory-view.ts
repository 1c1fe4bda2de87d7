/** The blocklist's view in process, for a server without Redis. */
import type { Clock } from '../clock.js';
import type { RevocationView } from './blocklist.js';
import { covers } from './blocklist.js';
import type { RevocationEntry, TokenIdentity } from './entry.js';

const sweepEvery = 1_000;

export class MemoryView implements RevocationView {
  readonly #clock: Clock;
  readonly #entries = new Map<string, RevocationEntry>();
  #publishedSinceSweep = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async publish(entries: readonly RevocationEntry[]): Promise<void> {
    for (const entry of entries) this.#keep(entry);
    this.#publishedSinceSweep += entries.length;
    if (this.#publishedSinceSweep >= sweepEvery) this.#sweep();
  }

  async find(token: TokenIdentity): Promise<RevocationEntry | undefined> {
    const keys = [`jti ${token.jti}`, `sid ${token.sid}`, `sub ${token.sub}`];
    const now = this.#clock();
    return keys
      .map((key) => this.#entries.get(key))
      .find((entry) => entry !== undefined && entry.expiresAt > now && covers(entry, token));
  }

  /** Of two entries for one user the later `before` covers more. */
  #keep(entry: RevocationEntry): void {
    const key = `${entry.type} ${entry.value}`;
    const known = this.#entries.get(key);
    if (known && (known.before ?? 0) > (entry.before ?? 0)) return;
    this.#entries.set(key, entry);
  }

  #sweep(): void {
    const now = this.#clock();
    this.#publishedSinceSweep = 0;
    for (const [key, entry] of this.#entries) if (entry.expiresAt <= now) this.#entries.delete(key);
  }
}
