/**
 * Whether this process was held up. The product's time limits are short; when a machine stalls for seconds, those of all that
 * was under way run out at once, and what follows is right and tells nothing.
 */
const tickMilliseconds = 50;
const stallMilliseconds = 400;
const attempts = 3;
let tickedAt = performance.now();
let stalledUntil = Number.NEGATIVE_INFINITY;

function tick(): void {
  const now = performance.now();
  if (now - tickedAt > tickMilliseconds + stallMilliseconds) stalledUntil = now;
  tickedAt = now;
}

setInterval(tick, tickMilliseconds).unref();

/** By the clock of `performance`. */
export function stalledSince(instant: number): boolean {
  tick();
  return stalledUntil >= instant;
}

/** Does again what failed while this process was held up. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const startedAt = performance.now();
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !stalledSince(startedAt)) throw error;
    }
  }
}
