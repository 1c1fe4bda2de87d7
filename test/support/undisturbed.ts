/** Measurements of time on a machine that others use, too. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const disturbanceMilliseconds = 250;
const attempts = 10;
const attemptsAtBest = 5;

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

/**
 * Measures until it comes out well, some times at most: what is too slow is so each time, a machine that stalls only now and
 * then. For what other processes take part in, whose stalls nobody here sees.
 */
export async function atBest<T>(measure: () => Promise<T>, isGood: (measured: T) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const measured = await measure();
    if (isGood(measured) || attempt === attemptsAtBest) return measured;
  }
}

/** How many milliseconds the work takes, at best. What takes less than `enough` is not measured again. */
export async function shortest(work: () => Promise<unknown>, enough: number): Promise<number> {
  return (await quickest(work, enough)).milliseconds;
}

/** The same, with what the work came to when that was measured. */
export function quickest<T>(
  work: () => Promise<T>,
  enough: number,
): Promise<{ result: T; milliseconds: number }> {
  const timed = async () => {
    const startedAt = performance.now();
    const result = await work();
    return { result, milliseconds: performance.now() - startedAt };
  };
  return atBest(timed, ({ milliseconds }) => milliseconds < enough);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
