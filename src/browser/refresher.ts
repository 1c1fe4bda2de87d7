import { AuthError } from './errors.js';
import type { Fact, SharedState } from './state.js';
import { backoffMs, type Pause, pause, sleep } from './timing.js';

// After this many failures in a row callers wait for little more than one further attempt.
const PATIENT_FAILURES = 3;
const LEAST_PATIENCE_MS = 2_000;
// A caller may cut a pause short, but not make the attempts more frequent than this.
const LEAST_PAUSE_MS = 1_000;

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
  failedAt: number;
  pause?: Pause;
}

export function createRefresher(shared: SharedState, refresh: (seen: Fact) => Promise<void>): Refresher {
  const attemptsByFact = new Map<Fact, Attempts>();

  async function keepTrying(seen: Fact, attempts: Attempts): Promise<void> {
    while (shared.current === seen) {
      try {
        await refresh(seen);
      } catch (error) {
        if (!(error instanceof AuthError && error.temporary)) throw error;
        attempts.failures.push(error);
        attempts.failedAt = performance.now();
        attempts.pause = pause(backoffMs(attempts.failures.length, error.retryAfterSeconds));
        await attempts.pause.over;
      }
    }
  }

  function start(seen: Fact): Attempts {
    const attempts: Attempts = { done: Promise.resolve(), failures: [], failedAt: 0 };
    attemptsByFact.set(seen, attempts);
    attempts.done = keepTrying(seen, attempts).finally(() => attemptsByFact.delete(seen));
    return attempts;
  }

  return {
    async replace(seen, patienceMs) {
      if (shared.current !== seen) return;
      const attempts = attemptsByFact.get(seen) ?? start(seen);
      hurry(attempts);
      await Promise.race([attempts.done, outOfPatience(attempts.failures, patienceMs)]);
    },
  };
}

/** Somebody is waiting: the next attempt is now, unless the last was a moment ago or the server has said when. */
function hurry({ failures, failedAt, pause }: Attempts): void {
  if (failures.at(-1)?.retryAfterSeconds) return;
  if (performance.now() - failedAt > LEAST_PAUSE_MS) pause?.end();
}

async function outOfPatience(failures: AuthError[], patienceMs: number): Promise<never> {
  const isPatient = failures.length < PATIENT_FAILURES;
  await sleep(isPatient ? patienceMs : Math.min(patienceMs, LEAST_PATIENCE_MS));
  throw failures.at(-1) ?? new AuthError('temporarily_unavailable');
}
