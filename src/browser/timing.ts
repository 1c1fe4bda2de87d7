const FIRST_BACKOFF_MS = 400;
const MAX_BACKOFF_MS = 30_000;

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Doubles with each failure, spread by half so that tabs and users do not come back in step; the server's own word wins. */
export function backoffMs(failures: number, retryAfterSeconds = 0): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
  return Math.max(retryAfterSeconds * 1000, ceiling / 2) + (Math.random() * ceiling) / 2;
}

/** Waits, but no longer than until the network is back. */
export function sleepOrOnline(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    globalThis.addEventListener?.('online', wake);
  });
}
