/** The real server as a process of its own, to be killed and started again. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HttpClient } from './http-client.js';
import { eventuallyMilliseconds, LeashedProcess, until } from './leash.js';
import { type ServerOptions, type Settings, serverSettings } from './server.js';
import type { Scope } from './services.js';

const projectDirectory = fileURLToPath(new URL('../..', import.meta.url));

export class ServerProcess extends HttpClient {
  readonly settings: Settings;
  #process: LeashedProcess | undefined;

  constructor(settings: Settings) {
    super(`http://127.0.0.1:${settings.PORT}`);
    this.settings = settings;
  }

  /** Starts it and does not wait. */
  async launch(): Promise<LeashedProcess> {
    const { PORT = '0', DATA_DIR = '' } = this.settings;
    mkdirSync(dirname(DATA_DIR), { recursive: true });
    const args = ['--import=tsx', join(projectDirectory, 'src/main.ts')];
    const logPath = join(dirname(DATA_DIR), `server-${PORT}.log`);
    const process_ = await LeashedProcess.start(process.execPath, args, { logPath, env: this.settings });
    this.#process = process_;
    return process_;
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    const launched = await this.launch();
    const complaint = () => `the server is not ready:\n${launched.output}`;
    await until(
      async () => {
        if (launched.exitCode !== null) throw new Error(`the server did not start:\n${launched.output}`);
        return (await this.get('/health/ready').catch(() => undefined))?.status === 200;
      },
      eventuallyMilliseconds,
      complaint,
    );
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get output(): string {
    return this.#process?.output ?? '';
  }

  /** In order. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }
}

/** A server process with fresh storage and keys, not started yet: an embedded database can be seeded before. */
export async function prepareServerProcess(t: Scope, options: ServerOptions = {}): Promise<ServerProcess> {
  const server = new ServerProcess(await serverSettings(t, options));
  t.teardown(() => server.kill());
  return server;
}

export async function startServerProcess(t: Scope, options: ServerOptions = {}): Promise<ServerProcess> {
  const server = await prepareServerProcess(t, options);
  await server.start();
  return server;
}
