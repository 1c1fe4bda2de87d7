// The real server as a process of its own, on the embedded database, so that it can be killed and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config.js';
import { openDatabase } from '../../../src/storage/open.js';
import type { Database } from '../../../src/storage/postgres/database.js';
import { PasswordHasher } from '../../../src/users/password-hasher.js';

const main = new URL('../../../src/main.ts', import.meta.url).pathname;
const silent = pino({ level: 'silent' });

export const user = { username: 'ada', password: 'correct horse battery staple' };

export interface SinglePageClient {
  id: string;
  origins: string[];
  cookieSameSite?: 'strict' | 'none';
}

export class KeyturnProcess {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'keyturn-e2e-'));
  readonly #settings: Record<string, string>;
  #child: ChildProcess | undefined;

  constructor(port: number, settings: Record<string, string>) {
    this.port = port;
    const files = { DATA_DIR: join(this.#directory, 'data'), KEYS_DIR: join(this.#directory, 'keys') };
    this.#settings = {
      PORT: String(port),
      LOG_LEVEL: 'warn',
      ARGON2_MEMORY_KIB: '8192',
      ...files,
      ...settings,
    };
  }

  /** Opens the database of the stopped server. */
  async withDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
    const database = await openDatabase({ config: loadConfig(this.#settings), log: silent });
    try {
      return await use(database);
    } finally {
      await database.close();
    }
  }

  async start(): Promise<void> {
    const env = { PATH: process.env.PATH ?? '', ...this.#settings };
    // `env -u`: the test runner's loaders are not for the server; `env` becomes it, so that signals reach it.
    const args = ['-u', 'NODE_OPTIONS', process.execPath, '--import=tsx', main];
    this.#child = spawn('env', args, {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if (this.#child.exitCode !== null) throw new Error('the server did not start');
      const ready = await fetch(`http://127.0.0.1:${this.port}/health/ready`).catch(() => undefined);
      if (ready?.ok) return;
      await sleep(50);
    }
    throw new Error('the server is not ready');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export async function seed(database: Database, clients: SinglePageClient[]): Promise<void> {
  const hasher = new PasswordHasher({
    memoryKib: 8192,
    timeCost: 2,
    parallelism: 1,
    concurrency: 1,
    queueLength: 1,
  });
  const { username, password } = user;
  const passwordHash = await hasher.hash(password);
  await database.prisma.user.create({
    data: { id: randomUUID(), email: 'ada@example.test', username, passwordHash },
  });
  await database.prisma.client.createMany({
    data: clients.map((client) => ({
      ...client,
      type: 'public',
      grants: ['password', 'refresh_token'],
      scope: ['notes'],
      refreshDelivery: 'cookie',
    })),
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
