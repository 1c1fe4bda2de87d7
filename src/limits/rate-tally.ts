/** How often something happened within the current minute. A minute begins with a key's first event. */
import type { Clock } from '../clock.js';

export const windowMilliseconds = 60_000;

export interface Count {
  /** Events within the window, this one included. */
  count: number;
  /** Milliseconds until the window ends. */
  endsIn: number;
}

/** Counts that cost no round trip; where they are shared, other instances' events come in a little later. */
export interface RateTally {
  add(key: string): Count;
}

interface Window {
  count: number;
  endsAt: number;
}

/** Bounds the memory that made-up keys can claim. */
const maximumKeys = 50_000;

/** Counts in process. */
export class MemoryRateTally implements RateTally {
  readonly #clock: Clock;
  /** In the order in which the windows began, so that the first is the one that ends next. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string): Count {
    const now = this.#clock();
    const known = this.#windows.get(key);
    if (known && known.endsAt > now) {
      known.count += 1;
      return { count: known.count, endsIn: known.endsAt - now };
    }
    this.#windows.delete(key);
    this.#makeRoom();
    this.#windows.set(key, { count: 1, endsAt: now + windowMilliseconds });
    return { count: 1, endsIn: windowMilliseconds };
  }

  #makeRoom(): void {
    if (this.#windows.size < maximumKeys) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
