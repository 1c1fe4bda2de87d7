/** The blocklist: PostgreSQL is its truth, a view in Redis or in process its fast copy. */
import type { RevocationEntry, RevocationType, TokenIdentity } from './entry.js';

/** The truth. */
export interface RevocationStore {
  /** Commits one entry. Answers it. */
  add(entry: Omit<RevocationEntry, 'position' | 'revokedAt'>, actor: string): Promise<RevocationEntry>;
  /** The entry that covers a token, if any. */
  find(token: TokenIdentity): Promise<RevocationEntry | undefined>;
  /** Entries that have not expired and come after `position`, in order, at most `limit`. */
  after(position: string, limit: number): Promise<RevocationEntry[]>;
}

/** A fast copy: it may lack entries, but never invents one. Its failures stay inside it. */
export interface RevocationView {
  publish(entries: readonly RevocationEntry[]): Promise<void>;
  find(token: TokenIdentity): Promise<RevocationEntry | undefined>;
}

/** Makes committed entries known. */
export type Announce = (entries: readonly RevocationEntry[]) => Promise<void>;

/** Told of every entry that is made known. */
export interface RevocationCounter {
  revocation(type: RevocationType): void;
}

export class Blocklist {
  readonly #store: RevocationStore;
  readonly #view: RevocationView;
  readonly #counters: RevocationCounter;

  constructor(
    store: RevocationStore,
    view: RevocationView,
    counters: RevocationCounter = { revocation: () => undefined },
  ) {
    this.#store = store;
    this.#view = view;
    this.#counters = counters;
  }

  /** The entry that revokes this token. The view is asked first; what it does not know is asked of the truth. */
  async find(token: TokenIdentity): Promise<RevocationEntry | undefined> {
    return (await this.#view.find(token)) ?? (await this.#store.find(token));
  }

  /** Makes committed entries known. Never throws: they are committed. */
  announce(entries: readonly RevocationEntry[]): Promise<void> {
    for (const { type } of entries) this.#counters.revocation(type);
    return entries.length === 0 ? Promise.resolve() : this.#view.publish(entries);
  }

  /** Commits an entry and makes it known. Throws when it could not be committed. */
  async add(entry: Omit<RevocationEntry, 'position' | 'revokedAt'>, actor: string): Promise<void> {
    await this.announce([await this.#store.add(entry, actor)]);
  }
}

/** Whether an entry covers a token. */
export function covers(entry: RevocationEntry, token: TokenIdentity): boolean {
  switch (entry.type) {
    case 'jti':
      return entry.value === token.jti;
    case 'sid':
      return entry.value === token.sid;
    case 'sub':
      return entry.value === token.sub && token.iat * 1000 < (entry.before ?? 0);
    case 'kid':
      return false;
  }
}
