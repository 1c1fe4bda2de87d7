/** Counts signatures per key, cheaply: how many unexpired tokens depend on a key, and when it last signed. */
import type { KeyUsage } from './key-store.js';

interface Counter {
  lastSignedAtMs: number;
  /** Signatures since the last collection. */
  pending: number;
  /** Collected, by the instant at which the last token of the bucket expires. */
  unexpired: { expiresByMs: number; count: number }[];
}

/** One instance's counts. Counting is on the path of every token; everything else runs twice a minute. */
export class UsageCounter {
  readonly #counters = new Map<string, Counter>();
  readonly #accessTokenTtlMs: number;

  constructor(accessTokenTtlSeconds: number) {
    this.#accessTokenTtlMs = accessTokenTtlSeconds * 1000;
  }

  /** A function to call at each signature by this key. */
  counterFor(kid: string, clock: () => number): () => void {
    const counter: Counter = this.#counters.get(kid) ?? { lastSignedAtMs: 0, pending: 0, unexpired: [] };
    this.#counters.set(kid, counter);
    return () => {
      counter.pending += 1;
      counter.lastSignedAtMs = clock();
    };
  }

  /**
   * Closes the current bucket, and forgets tokens that have expired and keys that are gone.
   * @param kids the keys that there are
   */
  collect(nowMs: number, kids: ReadonlySet<string>): KeyUsage[] {
    for (const [kid, counter] of this.#counters) {
      if (kids.has(kid)) this.#closeBucket(counter, nowMs);
      else this.#counters.delete(kid);
    }
    return [...this.#counters]
      .filter(([, counter]) => counter.lastSignedAtMs > 0)
      .map(([kid, { lastSignedAtMs, unexpired }]) => ({ kid, lastSignedAtMs, unexpired }));
  }

  #closeBucket(counter: Counter, nowMs: number): void {
    const unexpired = counter.unexpired.filter((bucket) => bucket.expiresByMs > nowMs);
    if (counter.pending > 0)
      unexpired.push({ expiresByMs: nowMs + this.#accessTokenTtlMs, count: counter.pending });
    counter.unexpired = unexpired;
    counter.pending = 0;
  }
}

/** What all instances together signed with one key. */
export interface KeyUsageSummary {
  readonly lastSignedAtMs: number | null;
  /** At most so many tokens that have not expired were signed by the key, up to the instances' last reports. */
  readonly unexpiredTokens: number;
}

export function summariseUsage(
  reports: readonly { usage: readonly KeyUsage[] }[],
  kid: string,
  nowMs: number,
): KeyUsageSummary {
  const usages = reports.flatMap((report) => report.usage).filter((usage) => usage.kid === kid);
  const buckets = usages.flatMap((usage) => usage.unexpired).filter((bucket) => bucket.expiresByMs > nowMs);
  return {
    lastSignedAtMs: usages.length === 0 ? null : Math.max(...usages.map((usage) => usage.lastSignedAtMs)),
    unexpiredTokens: buckets.reduce((sum, bucket) => sum + bucket.count, 0),
  };
}
