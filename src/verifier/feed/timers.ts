/** Waits, but not past an abort, and without keeping the process alive. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    timer.unref();
    signal.addEventListener('abort', finish);
  });
}

/** Pauses between attempts: doubled each time, with jitter, so that verifiers cut at once do not return at once. */
export class Backoff {
  #attempt = 0;

  constructor(
    private readonly firstMs: number,
    private readonly maxMs: number,
  ) {}

  reset(): void {
    this.#attempt = 0;
  }

  nextMs(): number {
    const ceiling = Math.min(this.firstMs * 2 ** this.#attempt, this.maxMs);
    this.#attempt += 1;
    return ceiling * (0.5 + Math.random() / 2);
  }
}
