/** Measurements of time on a machine that others use, too. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const disturbanceMilliseconds = 250;
const attempts = 10;

/**
 * Measures until nothing held up this process meanwhile, for ten times at most: then what was measured last counts, for it is
 * not the machine that is so slow.
 */
export async function undisturbed<T>(measure: () => Promise<T>): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  for (let attempt = 1; ; attempt += 1) {
    delay.reset();
    delay.enable();
    const measured = await measure();
    delay.disable();
    if (delay.max / 1e6 < disturbanceMilliseconds || attempt === attempts) return measured;
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
