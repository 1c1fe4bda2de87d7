import { withLease } from './lease.js';
import { sleep } from './timing.js';

// Longer than a request may take, so that only a stuck tab is overtaken.
const LOCK_TIMEOUT_MS = 12_000;
const MESSAGE_DELAY_MS = 20;

/**
 * Runs the task while no other tab of this app runs one. When a stuck tab holds the lock for too long the task runs all
 * the same: the server answers two simultaneous refreshes with the same successor.
 */
export async function exclusive<T>(name: string, task: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  const askedAt = performance.now();
  let held = false;
  const whenHeld = async (): Promise<T> => {
    held = true;
    // We waited for another tab: what it has learned may arrive a moment after its lock.
    if (performance.now() - askedAt > MESSAGE_DELAY_MS) await sleep(MESSAGE_DELAY_MS);
    return task();
  };
  if (!locks) return withLease(name, whenHeld);
  try {
    return await locks.request(name, { signal: AbortSignal.timeout(LOCK_TIMEOUT_MS) }, whenHeld);
  } catch (error) {
    if (held) throw error;
    return task();
  }
}
