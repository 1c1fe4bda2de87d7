import { AuthError } from './errors.js';
import type { Fact, SharedState } from './state.js';
import { backoffMs, sleep, sleepOrOnline } from './timing.js';

// After this many failures in a row callers are told at once, instead of waiting with us.
const PATIENT_FAILURES = 3;

export interface Refresher {
  /**
   * Waits until the fact is replaced by a newer one. The server is asked by one loop for all callers, which goes on in
   * the background when a caller's patience has ended: a lost answer is fetched again while the server still knows it.
   * @throws AuthError
   */
  replace(seen: Fact, patienceMs: number): Promise<void>;
}

interface Attempts {
  done: Promise<void>;
  failures: AuthError[];
}

export function createRefresher(shared: SharedState, refresh: (seen: Fact) => Promise<void>): Refresher {
  const attemptsByFact = new Map<Fact, Attempts>();

  async function keepTrying(seen: Fact, failures: AuthError[]): Promise<void> {
    while (shared.current === seen) {
      try {
        await refresh(seen);
      } catch (error) {
        if (!(error instanceof AuthError && error.temporary)) throw error;
        failures.push(error);
        await sleepOrOnline(backoffMs(failures.length, error.retryAfterSeconds));
      }
    }
  }

  function start(seen: Fact): Attempts {
    const failures: AuthError[] = [];
    const done = keepTrying(seen, failures).finally(() => attemptsByFact.delete(seen));
    const attempts = { done, failures };
    attemptsByFact.set(seen, attempts);
    return attempts;
  }

  return {
    async replace(seen, patienceMs) {
      if (shared.current !== seen) return;
      const { done, failures } = attemptsByFact.get(seen) ?? start(seen);
      await Promise.race([done, outOfPatience(failures, patienceMs)]);
    },
  };
}

async function outOfPatience(failures: AuthError[], patienceMs: number): Promise<never> {
  await sleep(failures.length < PATIENT_FAILURES ? patienceMs : 0);
  throw failures.at(-1) ?? new AuthError('temporarily_unavailable');
}
