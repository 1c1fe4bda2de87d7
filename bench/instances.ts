/** Two instances of the server on one PostgreSQL, as processes of their own. */
import { freePort } from '../test/support/ports.js';
import { type Settings, serverSettings } from '../test/support/server.js';
import { ServerProcess } from '../test/support/server-process.js';
import type { Scope } from '../test/support/services.js';

class Steps implements Scope {
  readonly #steps: (() => unknown)[] = [];

  teardown(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.reverse()) await step();
  }
}

export class TwoInstances {
  readonly #steps: Steps;

  private constructor(
    /** Of the first. */
    readonly settings: Settings,
    readonly first: ServerProcess,
    readonly second: ServerProcess,
    steps: Steps,
  ) {
    this.#steps = steps;
  }

  static async start(redis: boolean): Promise<TwoInstances> {
    const steps = new Steps();
    const settings = await serverSettings(steps, {
      database: 'postgres',
      redis,
      settings: { LOG_LEVEL: 'warn' },
    });
    const first = new ServerProcess(settings);
    const second = new ServerProcess({ ...settings, PORT: String(await freePort()) });
    for (const instance of [first, second]) {
      steps.teardown(() => instance.stop());
      await instance.start();
    }
    return new TwoInstances(settings, first, second, steps);
  }

  /** Of the second's process. */
  get pid(): number {
    return this.second.pid;
  }

  /** Runs when both stop, the last given first. */
  teardown(step: () => unknown): void {
    this.#steps.teardown(step);
  }

  stop(): Promise<void> {
    return this.#steps.run();
  }
}
