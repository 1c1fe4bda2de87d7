// Follows the feed for ever: reads it to its end by pages, then listens to the stream or asks again, and begins anew when cut.
import type { VerifierCounters } from '../counters.js';
import { BackgroundError } from '../failures.js';
import type { FollowOptions } from '../options.js';
import { Watchdog } from '../watchdog.js';
import { type FeedPage, type RevocationEntry, readEntry, readHeartbeat } from './entry.js';
import type { ServerSentEvent } from './event-stream.js';
import type { FeedClient } from './feed-client.js';
import { Backoff, pause } from './timers.js';

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;
/** How many heartbeats may be missed before the stream counts as dead. */
const MISSED_HEARTBEATS = 2.5;
/** Beyond the heartbeats, for the connection to be made. */
const CONNECT_MS = 2_000;

/** By the clock, which may be set, and by the process's own time, which may stand still while the machine sleeps. */
interface Instant {
  clockMs: number;
  elapsedMs: number;
}

export interface FollowerContext {
  client: FeedClient;
  options: FollowOptions;
  apply: (entry: RevocationEntry) => void;
  counters: VerifierCounters;
  clock: () => number;
  onError: (error: Error) => void;
  /** The feed may have moved. */
  onFailure: () => void;
}

export class FeedFollower {
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
  #cursor: string | undefined;
  #heartbeatSeconds = 0;
  #failure: BackgroundError | undefined;
  #current: Instant = { clockMs: Number.NEGATIVE_INFINITY, elapsedMs: Number.NEGATIVE_INFINITY };
  #settleFirst: () => void = () => {};
  readonly #finished: Promise<void>;
  /** Resolves when the feed has been read, or could not be, for the first time. */
  readonly firstAttempt: Promise<void>;

  constructor(private readonly context: FollowerContext) {
    this.firstAttempt = new Promise((resolve) => {
      this.#settleFirst = resolve;
    });
    this.#finished = this.#run();
  }

  /** Seconds since everything revoked so far was known; Infinity when it never was. A clock that is set back hides none. */
  stalenessSeconds(): number {
    const { clockMs, elapsedMs } = this.#now();
    return Math.max(0, clockMs - this.#current.clockMs, elapsedMs - this.#current.elapsedMs) / 1000;
  }

  isStale(): boolean {
    return this.stalenessSeconds() > this.context.options.maxStalenessSeconds;
  }

  /** Why the feed is not followed at the moment. */
  get failure(): BackgroundError | undefined {
    return this.#failure;
  }

  close(): Promise<void> {
    this.#closing.abort(new Error('The verifier was closed'));
    return this.#finished;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#catchUp();
        this.#settleFirst();
        if (this.context.options.follow === 'stream') await this.#listen();
      } catch (error) {
        this.#noteFailure(error);
      }
      this.#settleFirst();
      await pause(this.#pauseMs(), this.#closing.signal);
    }
  }

  #pauseMs(): number {
    const mustHurry = this.context.options.follow === 'stream' || this.#failure !== undefined;
    return mustHurry ? this.#backoff.nextMs() : this.#pollIntervalMs();
  }

  /** As often as the server beats, and often enough not to become stale in between. */
  #pollIntervalMs(): number {
    const { maxStalenessSeconds } = this.context.options;
    return Math.min(this.#heartbeatSeconds, maxStalenessSeconds / 3) * 1000;
  }

  #noteFailure(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const isRepeated = this.#failure !== undefined || this.stalenessSeconds() === Number.POSITIVE_INFINITY;
    this.#failure = new BackgroundError('revocations', isRepeated, error);
    this.context.counters.feedFailures += 1;
    this.context.onFailure();
    this.context.onError(this.#failure);
  }

  async #catchUp(): Promise<void> {
    let more = true;
    while (more) more = await this.#readPage();
  }

  /** Reads one page; tells whether there is another. */
  async #readPage(): Promise<boolean> {
    const askedAt = this.#now();
    const page = await this.context.client.page(this.#cursor, this.#closing.signal);
    if (page === 'refused') this.#beginAnew();
    const more = page !== 'unchanged' && this.#takePage(page);
    if (!more) this.#becomeCurrent(askedAt);
    return more;
  }

  #takePage({ entries, cursor, more, heartbeatSeconds }: FeedPage): boolean {
    if (more && cursor === this.#cursor) throw new Error('The feed does not advance');
    for (const entry of entries) this.#take(entry);
    this.#cursor = cursor;
    this.#heartbeatSeconds = heartbeatSeconds;
    return more;
  }

  /** What is known stays: nothing revoked ever becomes valid again, and entries expire by themselves. */
  #beginAnew(): never {
    this.#cursor = undefined;
    throw new Error('The feed refused the cursor');
  }

  async #listen(): Promise<void> {
    const patienceMs = CONNECT_MS + this.#heartbeatSeconds * MISSED_HEARTBEATS * 1000;
    const watchdog = new Watchdog(patienceMs, 'The feed fell silent', this.#closing.signal);
    try {
      const events = await this.context.client.stream(this.#cursor ?? '', watchdog.signal);
      for await (const event of events) {
        watchdog.feed();
        this.#hear(event);
      }
      throw new Error('The stream ended');
    } finally {
      watchdog.stop();
    }
  }

  #hear({ event, data, id }: ServerSentEvent): void {
    if (event === 'revocation') {
      for (const entry of readEntry(JSON.parse(data))) this.#take(entry);
      if (id !== '') this.#cursor = id;
    } else if (event === 'heartbeat') {
      this.#cursor = readHeartbeat(JSON.parse(data));
      this.#becomeCurrent(this.#now());
    }
  }

  #take(entry: RevocationEntry): void {
    this.context.counters.feedEntries += 1;
    this.context.apply(entry);
  }

  #now(): Instant {
    return { clockMs: this.context.clock(), elapsedMs: performance.now() };
  }

  #becomeCurrent(at: Instant): void {
    this.#current = at;
    this.#failure = undefined;
    this.#backoff.reset();
    this.context.counters.feedSynchronisations += 1;
  }
}
