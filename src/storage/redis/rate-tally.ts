/**
 * Counts that are taken in process and exchanged with the other instances through Redis a few times a second: a request
 * waits for nothing. An instance learns what the others counted for a key when it tells what it counted itself.
 */
import type { Redis } from 'ioredis';
import type { Clock } from '../../clock.js';
import { type Count, type RateTally, windowMilliseconds } from '../../limits/rate-tally.js';
import { increment, rateKey } from './increment.js';

const exchangeMilliseconds = 250;
/** Bounds the memory that made-up keys can claim. */
const maximumKeys = 50_000;
/** Told at once. */
const batch = 1_000;

interface Window {
  /** What Redis said. */
  shared: number;
  /** Counted here, and not told to Redis yet. */
  pending: number;
  endsAt: number;
}

interface News {
  key: string;
  window: Window;
  count: number;
}

export class RedisRateTally implements RateTally {
  readonly #redis: Redis;
  readonly #clock: Clock;
  /** In the order in which the windows began. */
  readonly #windows = new Map<string, Window>();
  readonly #untold = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #exchanging = false;

  constructor(redis: Redis, clock: Clock) {
    this.#redis = redis;
    this.#clock = clock;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#exchange(), exchangeMilliseconds);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  add(key: string): Count {
    const now = this.#clock();
    const window = this.#current(key, now);
    window.pending += 1;
    this.#untold.add(key);
    return { count: window.shared + window.pending, endsIn: window.endsAt - now };
  }

  #current(key: string, now: number): Window {
    const known = this.#windows.get(key);
    if (known && known.endsAt > now) return known;
    this.#windows.delete(key);
    const [oldest] = this.#windows.size < maximumKeys ? [] : this.#windows.keys();
    if (oldest !== undefined) {
      this.#windows.delete(oldest);
      this.#untold.delete(oldest);
    }
    const window = { shared: 0, pending: 0, endsAt: now + windowMilliseconds };
    this.#windows.set(key, window);
    return window;
  }

  async #exchange(): Promise<void> {
    if (this.#exchanging || this.#untold.size === 0 || this.#redis.status !== 'ready') return;
    this.#exchanging = true;
    try {
      await this.#tell(this.#news());
    } catch {
      // What was not told stays pending: this instance goes on with what it knows.
    } finally {
      this.#exchanging = false;
    }
  }

  #news(): News[] {
    const keys = [...this.#untold].slice(0, batch);
    return keys.flatMap((key) => {
      this.#untold.delete(key);
      const window = this.#windows.get(key);
      return window ? [{ key, window, count: window.pending }] : [];
    });
  }

  async #tell(news: readonly News[]): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const { key, count } of news) pipeline.eval(increment, 1, rateKey(key), count, windowMilliseconds);
    const replies = (await pipeline.exec()) ?? [];
    news.forEach((told, index) => {
      const [error, reply] = replies[index] ?? [];
      if (!error && reply) this.#learn(told, reply as number[]);
    });
  }

  #learn({ window, count }: News, [shared = 0, endsIn = 0]: readonly number[]): void {
    window.pending -= count;
    window.shared = shared;
    window.endsAt = this.#clock() + endsIn;
  }
}
