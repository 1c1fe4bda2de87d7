/** Clients as the hot paths see them: each read from the store at most once a second. */
import type { Clock } from '../clock.js';
import type { Client, ClientStore } from './client.js';

/** How long a change to a client may take to be seen by every instance. */
export const clientFreshMilliseconds = 1_000;
/** Bounds the memory that made-up client ids can claim. */
const maximumEntries = 10_000;

interface Entry<T> {
  readAt: number;
  value: Promise<T>;
}

export class ClientRegistry {
  readonly #store: ClientStore;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<unknown>>();
  #lastGrants: string[] | undefined;

  constructor(store: ClientStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  find(id: string): Promise<Client | undefined> {
    return this.#fresh(`client ${id}`, () => this.#store.find(id));
  }

  /** Whether some enabled client registered this origin. */
  async hasOrigin(origin: string): Promise<boolean> {
    const origins = await this.#fresh('origins', async () => new Set(await this.#store.origins()));
    return origins.has(origin);
  }

  /** The grant types that some enabled client has; with the store away, those that were read last. */
  async grants(): Promise<string[]> {
    try {
      this.#lastGrants = await this.#fresh('grants', () => this.#store.grants());
    } catch (error) {
      if (!this.#lastGrants) throw error;
    }
    return this.#lastGrants;
  }

  /** Forgets what was read, so that a change made through this instance is seen by it at once. */
  forget(): void {
    this.#entries.clear();
  }

  #fresh<T>(key: string, read: () => Promise<T>): Promise<T> {
    const now = this.#clock();
    const known = this.#entries.get(key) as Entry<T> | undefined;
    // A clock that was set back must not keep what was read before for as long as it was set back.
    const age = known ? now - known.readAt : Number.NaN;
    if (known && age >= 0 && age < clientFreshMilliseconds) return known.value;
    if (this.#entries.size >= maximumEntries) this.#entries.clear();
    const entry: Entry<T> = { readAt: now, value: read() };
    this.#entries.set(key, entry);
    // A failed read is not remembered: the next caller tries again.
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.value;
  }
}
