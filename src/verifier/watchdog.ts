/** Aborts its signal when it has not been fed for a while, or when an outer signal is aborted. Must be stopped. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #follow = () => this.#controller.abort(this.outer?.reason);
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly patienceMs: number,
    private readonly reason: string,
    private readonly outer?: AbortSignal,
  ) {
    if (outer?.aborted) this.#follow();
    outer?.addEventListener('abort', this.#follow);
    this.feed();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new Error(this.reason)), this.patienceMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.outer?.removeEventListener('abort', this.#follow);
  }
}

// What links a fetch to its signal can be garbage-collected before the answer is complete, and then an abort is lost (undici,
// Node.js 20 to 24). So nothing here waits for a fetch alone.

/** The promise's outcome, or the signal's reason when that is aborted first. */
export async function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abandon = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abandon = () => reject(signal.reason);
    signal.addEventListener('abort', abandon);
    if (signal.aborted) abandon();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** The chunks of a body until it ends; throws the signal's reason when that is aborted. */
export async function* readChunks(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', cancel);
  try {
    if (signal.aborted) cancel();
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}
