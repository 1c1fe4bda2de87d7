/** Failures by key, each followed by a pause that grows once there are too many: what makes guessing slow. */
import type { Clock } from '../clock.js';

export interface AttemptPolicy {
  /** Failures without a pause. */
  free: number;
  /** The pause after the last free failure; doubled by each further one, up to `maxPauseMs`. */
  firstPauseMs: number;
  maxPauseMs: number;
  /** For how long after the first failure all are remembered. */
  memoryMs: number;
}

export interface Attempt {
  key: string;
  policy: AttemptPolicy;
}

/** `refused`: which attempt was refused, and for how many milliseconds more. */
export type Admission = 'admitted' | { refused: number; waitMs: number };

/**
 * Counts failures, and never successes. Once the free failures are used up, only one attempt at a time is admitted: parallel
 * ones cannot slip through together. Never throws: where a shared count cannot be had, it counts in process.
 */
export interface AttemptCounter {
  /** Admits an attempt unless one of its keys has to wait. */
  admit(attempts: readonly Attempt[]): Promise<Admission>;
  /** The attempt failed: counts for each key. */
  fail(attempts: readonly Attempt[]): Promise<void>;
  /** The attempt did not fail: the next one may come. */
  release(keys: readonly string[]): Promise<void>;
  /** Forgets all failures of a key. */
  forget(key: string): Promise<void>;
}

interface Failures {
  count: number;
  blockedUntil: number;
  forgottenAt: number;
}

/** For how long an admitted attempt keeps others out, unless it ends before. */
export const trialMs = 10_000;
/** Bounds the memory that made-up keys can claim. */
const maximumKeys = 50_000;

/** The pause after so many failures, in milliseconds. */
function pauseMs(count: number, { free, firstPauseMs, maxPauseMs }: AttemptPolicy): number {
  return count < free ? 0 : Math.min(firstPauseMs * 2 ** (count - free), maxPauseMs);
}

/** Counts in process. */
export class MemoryAttemptCounter implements AttemptCounter {
  readonly #clock: Clock;
  /** In the order of their last failure. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async admit(attempts: readonly Attempt[]): Promise<Admission> {
    const now = this.#clock();
    const known = attempts.map(({ key }) => this.#alive(key, now));
    for (const [index, failures] of known.entries()) {
      const waitMs = (failures?.blockedUntil ?? 0) - now;
      if (waitMs > 0) return { refused: index, waitMs };
    }
    for (const [index, failures] of known.entries()) {
      const { free = 0 } = attempts[index]?.policy ?? {};
      if (failures && failures.count >= free) failures.blockedUntil = now + trialMs;
    }
    return 'admitted';
  }

  async fail(attempts: readonly Attempt[]): Promise<void> {
    const now = this.#clock();
    for (const attempt of attempts) this.#count(attempt, now);
  }

  async release(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const failures = this.#failures.get(key);
      if (failures) failures.blockedUntil = 0;
    }
  }

  async forget(key: string): Promise<void> {
    this.#failures.delete(key);
  }

  #alive(key: string, now: number): Failures | undefined {
    const failures = this.#failures.get(key);
    return failures && failures.forgottenAt > now ? failures : undefined;
  }

  #count({ key, policy }: Attempt, now: number): void {
    const known = this.#alive(key, now) ?? { count: 0, forgottenAt: now + policy.memoryMs };
    this.#failures.delete(key);
    const [oldest] = this.#failures.size < maximumKeys ? [] : this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
    const count = known.count + 1;
    const blockedUntil = now + pauseMs(count, policy);
    this.#failures.set(key, {
      count,
      blockedUntil,
      forgottenAt: Math.max(known.forgottenAt, blockedUntil),
    });
  }
}
