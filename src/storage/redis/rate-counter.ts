/**
 * Counts shared by all instances. `keyturn:rate:KEY` holds the count and expires with its window.
 * While Redis is away, each instance counts by itself.
 */
import type { Redis } from 'ioredis';
import type { Clock } from '../../clock.js';
import {
  type Count,
  MemoryRateCounter,
  type RateCounter,
  windowMilliseconds,
} from '../../limits/rate-counter.js';
import { increment, rateKey } from './increment.js';

/** After a failure Redis is left alone for so long: a Redis that hangs must not hold up every login. */
const restMilliseconds = 1_000;

export class RedisRateCounter implements RateCounter {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #own: MemoryRateCounter;
  #restsUntil = 0;

  constructor(redis: Redis, clock: Clock) {
    this.#redis = redis;
    this.#clock = clock;
    this.#own = new MemoryRateCounter(clock);
  }

  async add(key: string): Promise<Count> {
    // Counted here in any case: when Redis goes away or comes back
    // empty, nobody starts again from nothing.
    const own = await this.#own.add(key);
    if (this.#redis.status !== 'ready' || this.#clock() < this.#restsUntil) return own;
    try {
      const reply = await this.#redis.eval(increment, 1, rateKey(key), 1, windowMilliseconds);
      const [count = 0, endsIn = 0] = reply as number[];
      return own.count > count ? own : { count, endsIn };
    } catch {
      this.#restsUntil = this.#clock() + restMilliseconds;
      return own;
    }
  }
}
