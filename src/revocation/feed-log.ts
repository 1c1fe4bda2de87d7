/** The feed's entries in memory, in order: every page and every stream is served from here. */
import { type FeedEntry, originCursor, positionOf } from './feed-entry.js';

/** How far the clocks of this process and of the database may differ. */
const clockMarginMilliseconds = 60_000;

export class FeedLog {
  #entries: FeedEntry[] = [];
  #head = originCursor;

  get size(): number {
    return this.#entries.length;
  }

  /** The cursor of the last entry there ever was. */
  get head(): string {
    return this.#head;
  }

  /**
   * At most `limit` entries after a cursor. A cursor that is not known (its entry expired, or it is from another history of
   * the database) is followed by everything: too much is harmless, and too little is not.
   */
  after(cursor: string, limit: number): { entries: FeedEntry[]; cursor: string; more: boolean } {
    const start = this.#indexAfter(cursor);
    const entries = this.#entries.slice(start, start + limit);
    const more = start + entries.length < this.#entries.length;
    return { entries, more, cursor: more ? (entries.at(-1)?.cursor ?? cursor) : this.#head };
  }

  /** The last entry that the database must still have. */
  anchor(now: number): FeedEntry | undefined {
    return this.#entries.findLast(({ expiresAt }) => expiresAt > now + clockMarginMilliseconds);
  }

  /**
   * Whether what the database has from the anchor on continues this log. It does not after the database was restored to an
   * earlier state: then the anchor is gone, or something unknown stands at a position already passed.
   */
  isContinuedBy(anchor: FeedEntry | undefined, entries: readonly FeedEntry[]): boolean {
    if (anchor && entries[0]?.cursor !== anchor.cursor) return false;
    const passed = positionOf(this.#head);
    return entries.every((entry) => entry.position > passed || this.#knows(entry));
  }

  /** Adds what is new, and answers it. */
  append(entries: readonly FeedEntry[]): FeedEntry[] {
    const passed = positionOf(this.#head);
    const fresh = entries.filter(({ position }) => position > passed);
    for (const entry of fresh) this.#entries.push(entry);
    this.#head = fresh.at(-1)?.cursor ?? this.#head;
    return fresh;
  }

  /** Takes other entries in place of all, and answers those that were not known. */
  replace(entries: readonly FeedEntry[]): FeedEntry[] {
    const fresh = entries.filter((entry) => !this.#knows(entry));
    this.#entries = [...entries];
    this.#head = entries.at(-1)?.cursor ?? originCursor;
    return fresh;
  }

  /** Drops what has expired by any clock. */
  prune(now: number): void {
    this.#entries = this.#entries.filter(({ expiresAt }) => expiresAt > now - clockMarginMilliseconds);
  }

  #indexAfter(cursor: string): number {
    if (cursor === this.#head) return this.#entries.length;
    const index = this.#search(positionOf(cursor));
    return this.#entries[index]?.cursor === cursor ? index + 1 : 0;
  }

  #knows({ position, cursor }: FeedEntry): boolean {
    return this.#entries[this.#search(position)]?.cursor === cursor;
  }

  /** The index of the first entry at this position or later. */
  #search(position: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.position ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
