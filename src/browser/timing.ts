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

export interface Pause {
  over: Promise<void>;
  end(): void;
}

/** A wait that ends early when the network is back. */
export function pause(milliseconds: number): Pause {
  let end = (): void => {};
  const over = new Promise<void>((resolve) => {
    end = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    globalThis.addEventListener?.('online', end);
  });
  return { over, end };
}
