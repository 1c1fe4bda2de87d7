/**
 * Failures counted by all instances together. `keyturn:rate:KEY` is a hash of the count and of when the pause ends, by Redis'
 * own clock. While Redis is away, each instance counts by itself.
 */
import type { Redis } from 'ioredis';
import type { Clock } from '../../clock.js';
import {
  type Admission,
  type Attempt,
  type AttemptCounter,
  MemoryAttemptCounter,
  trialMs,
} from '../../limits/attempts.js';
import { rateKey } from './increment.js';

/** After a failure Redis is left alone for so long: a Redis that hangs must not hold up every login. */
const restMs = 1_000;

const now = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** ARGV: how many are free for each key, and for how long a trial keeps others out. Returns the refused index and its wait, or -1. */
const admitScript = `${now}
  local found = {}
  for index, key in ipairs(KEYS) do
    found[index] = redis.call('HMGET', key, 'count', 'until')
    local wait = tonumber(found[index][2] or 0) - now
    if wait > 0 then return { index - 1, wait } end
  end
  for index, key in ipairs(KEYS) do
    if tonumber(found[index][1] or 0) >= tonumber(ARGV[index]) then
      redis.call('HSET', key, 'until', string.format('%.0f', now + ARGV[#KEYS + 1]))
    end
  end
  return { -1, 0 }`;

/** ARGV: free, first pause, longest pause and memory for each key. */
const failScript = `${now}
  for index, key in ipairs(KEYS) do
    local at = (index - 1) * 4
    local free, first, longest = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local count = redis.call('HINCRBY', key, 'count', 1)
    local pause = 0
    if count >= free then pause = math.min(first * 2 ^ (count - free), longest) end
    redis.call('HSET', key, 'until', string.format('%.0f', now + pause))
    if count == 1 then redis.call('PEXPIRE', key, ARGV[at + 4]) end
    if redis.call('PTTL', key) < pause then redis.call('PEXPIRE', key, string.format('%.0f', pause)) end
  end`;

const releaseScript = `
  for _, key in ipairs(KEYS) do
    if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'until', 0) end
  end`;

export class RedisAttemptCounter implements AttemptCounter {
  readonly #redis: Redis;
  readonly #clock: Clock;
  /** Counts in any case: when Redis goes away or comes back empty, nobody starts again from nothing. */
  readonly #own: MemoryAttemptCounter;
  #restsUntil = 0;

  constructor(redis: Redis, clock: Clock) {
    this.#redis = redis;
    this.#clock = clock;
    this.#own = new MemoryAttemptCounter(clock);
  }

  async admit(attempts: readonly Attempt[]): Promise<Admission> {
    const own = await this.#own.admit(attempts);
    if (own !== 'admitted') return own;
    const keys = attempts.map(({ key }) => key);
    const free = attempts.map(({ policy }) => policy.free);
    const [refused = -1, waitMs = 0] = (await this.#ask(admitScript, keys, [...free, trialMs])) ?? [];
    if (refused < 0) return 'admitted';
    await this.#own.release(keys);
    return { refused, waitMs };
  }

  async fail(attempts: readonly Attempt[]): Promise<void> {
    await this.#own.fail(attempts);
    const keys = attempts.map(({ key }) => key);
    const limits = attempts.flatMap(({ policy: { free, firstPauseMs, maxPauseMs, memoryMs } }) => [
      free,
      firstPauseMs,
      maxPauseMs,
      memoryMs,
    ]);
    await this.#ask(failScript, keys, limits);
  }

  async release(keys: readonly string[]): Promise<void> {
    await this.#own.release(keys);
    await this.#ask(releaseScript, keys, []);
  }

  async forget(key: string): Promise<void> {
    await this.#own.forget(key);
    await this.#ask(`redis.call('DEL', KEYS[1])`, [key], []);
  }

  /** Undefined where Redis does not answer. */
  async #ask(
    script: string,
    keys: readonly string[],
    values: readonly number[],
  ): Promise<number[] | undefined> {
    if (this.#redis.status !== 'ready' || this.#clock() < this.#restsUntil) return undefined;
    try {
      return (await this.#redis.eval(script, keys.length, ...keys.map(rateKey), ...values)) as number[];
    } catch {
      this.#restsUntil = this.#clock() + restMs;
      return undefined;
    }
  }
}
