/** Makes many wishes for a read into few reads: one at a time, not closer together than a pause, each shared by all who wait. */
import { setTimeout as delay } from 'node:timers/promises';

export class SharedReads {
  readonly #read: () => Promise<void>;
  readonly #pauseMilliseconds: number;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(read: () => Promise<void>, pauseMilliseconds: number) {
    this.#read = read;
    this.#pauseMilliseconds = pauseMilliseconds;
  }

  /** The outcome of a read that begins from now on, never of one that has begun. */
  request(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#afterRunning(this.#running);
    return this.#next;
  }

  async #afterRunning(running: Promise<void>): Promise<void> {
    try {
      await running;
    } catch (error) {
      // Whoever waits would wait as long again, for the same.
      this.#next = undefined;
      this.#running = undefined;
      throw error;
    }
    await delay(this.#pauseMilliseconds);
    this.#next = undefined;
    await this.#start();
  }

  #start(): Promise<void> {
    this.#running = this.#read().finally(() => {
      // The next one, if any, keeps others from starting at once.
      if (!this.#next) this.#running = undefined;
    });
    return this.#running;
  }
}
