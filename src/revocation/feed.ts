/**
 * The feed of revocations (docs/revocation-feed.md). Each instance follows the database once, however many listen: pages
 * and streams are served from memory.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RevocationStore } from '../blocklist/blocklist.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import { temporarilyUnavailable } from '../oauth/errors.js';
import { type FeedEntry, toFeedEntry } from './feed-entry.js';
import { FeedLog } from './feed-log.js';
import { SharedReads } from './feed-reads.js';

/** Tells that there may be something new. It may be late, silent or wrong: the database is read anyway. */
export interface RevocationSignals {
  /** Calls back at each signal, until stopped. */
  listen(onSignal: () => void): Promise<() => Promise<void>>;
}

/** Whoever follows the feed: takes entries by `after` at its own pace. */
export interface FeedListener {
  /** There may be something new. At a beat, it is to say how far it is even if there is not. */
  wake(isBeat: boolean): void;
  /** The feed closes. */
  end(): void;
}

export interface FeedDependencies {
  source: Pick<RevocationStore, 'after'>;
  signals: RevocationSignals;
  clock: Clock;
  log: Logger;
}

export const heartbeatSeconds = 2;

/** The floor: without any signal, news is this late at most. */
const pollMilliseconds = 1_000;
const pollsPerHeartbeat = (heartbeatSeconds * 1000) / pollMilliseconds;
const pollsPerPrune = 60;
/** Without a read that is younger, nobody may be told that it is current: verifiers have to learn that they are not told everything. */
const currentMilliseconds = 2_000;
/** Between two reads, whatever the number of signals and requests. */
const pauseMilliseconds = 10;
const readLimit = 1_000;
/** Woken in one go; then whatever else waits has its turn. */
const listenersAtOnce = 200;
export const pageLimit = 1_000;

export class RevocationFeed {
  readonly #dependencies: FeedDependencies;
  readonly #log = new FeedLog();
  readonly #reads: SharedReads;
  readonly #listeners = new Set<FeedListener>();
  #stopListening: () => Promise<void> = async () => undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the last successful read of the database began, on the clock of `performance`. */
  #readAt = Number.NEGATIVE_INFINITY;
  #isWaking = false;
  #isNews = false;
  #isBeat = false;
  #polls = 0;
  #failing = false;
  #closed = false;

  constructor(dependencies: FeedDependencies) {
    this.#dependencies = dependencies;
    this.#reads = new SharedReads(() => this.#read(), pauseMilliseconds);
  }

  /** For metrics. */
  readings(): { entries: number; streams: number } {
    return { entries: this.#log.size, streams: this.#listeners.size };
  }

  async start(): Promise<void> {
    this.#stopListening = await this.#dependencies.signals.listen(
      () => void this.#reads.request().catch(() => undefined),
    );
    this.#timer = setInterval(() => void this.#poll(), pollMilliseconds);
    this.#timer.unref();
    await this.#reads.request();
  }

  /** Ends every stream, and refuses new ones: their verifiers have to go to another instance. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#stopListening();
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }

  /** Reads the database. Throws `temporarily_unavailable` when it is away: then nobody may be told that this is all. */
  async refresh(): Promise<void> {
    if (this.#closed) throw temporarilyUnavailable('the feed is closed');
    try {
      await this.#reads.request();
    } catch (error) {
      throw temporarilyUnavailable('the feed cannot read the database', error);
    }
  }

  /** What came after a cursor. */
  after(cursor: string, limit: number): { entries: FeedEntry[]; cursor: string; more: boolean } {
    return this.#log.after(cursor, limit);
  }

  /** The cursor of the last entry, if the database had none after it a moment ago; undefined if that is not known. */
  current(): string | undefined {
    return performance.now() - this.#readAt <= currentMilliseconds ? this.#log.head : undefined;
  }

  /** From now on the listener is woken. */
  join(listener: FeedListener): void {
    if (this.#closed) listener.end();
    else this.#listeners.add(listener);
  }

  leave(listener: FeedListener): void {
    this.#listeners.delete(listener);
  }

  async #poll(): Promise<void> {
    this.#polls += 1;
    if (this.#polls % pollsPerPrune === 0) this.#log.prune(this.#dependencies.clock());
    const isBeat = this.#polls % pollsPerHeartbeat === 0;
    try {
      await this.#reads.request();
    } catch {
      return;
    }
    if (isBeat) this.#wakeAll({ isBeat });
  }

  #wakeAll({ isBeat }: { isBeat: boolean }): void {
    this.#isNews = true;
    this.#isBeat ||= isBeat;
    if (!this.#isWaking) void this.#wakeInTurns();
  }

  /** However often there is something new during a round, one more round is enough. */
  async #wakeInTurns(): Promise<void> {
    this.#isWaking = true;
    while (this.#isNews) {
      const isBeat = this.#isBeat;
      this.#isNews = this.#isBeat = false;
      let woken = 0;
      // A copy: who joins during the round has everything that there is.
      for (const listener of [...this.#listeners]) {
        if (this.#listeners.has(listener)) listener.wake(isBeat);
        woken += 1;
        if (woken % listenersAtOnce === 0) await nextTurn();
      }
    }
    // Not a turn later: what becomes news in between would wait for the next beat.
    this.#isWaking = false;
  }

  async #read(): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.#readNews();
      this.#readAt = startedAt;
    } catch (error) {
      if (!this.#failing)
        this.#dependencies.log.warn({ err: error }, 'the revocation feed cannot read the database');
      this.#failing = true;
      throw error;
    }
    if (this.#failing) this.#dependencies.log.info({}, 'the revocation feed is current again');
    this.#failing = false;
  }

  /** Begins with the last known entry, to see that the database still has it. */
  async #readNews(): Promise<void> {
    const anchor = this.#log.anchor(this.#dependencies.clock());
    const entries = await this.#readFrom(anchor ? anchor.position : 1);
    if (this.#log.isContinuedBy(anchor, entries)) return this.#tell(this.#log.append(entries));
    this.#dependencies.log.warn({}, 'the database has another history of revocations: read anew');
    this.#tell(this.#log.replace(await this.#readFrom(1)));
  }

  #tell(entries: readonly FeedEntry[]): void {
    if (entries.length > 0) this.#wakeAll({ isBeat: false });
  }

  /** Everything from a position on that has not expired. */
  async #readFrom(position: number): Promise<FeedEntry[]> {
    const all: FeedEntry[] = [];
    let last = String(position - 1);
    for (;;) {
      const entries = await this.#dependencies.source.after(last, readLimit);
      for (const entry of entries) all.push(toFeedEntry(entry));
      last = entries.at(-1)?.position ?? last;
      if (entries.length < readLimit) return all;
    }
  }
}
