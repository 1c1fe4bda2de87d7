/** A Redis server of the test's own, which it may flush, stop, kill and start again. It keeps nothing on disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findBinary } from './binaries.js';
import { eventuallyMilliseconds, LeashedProcess, until } from './leash.js';
import { freePort, isListening } from './ports.js';

export function hasRedis(): boolean {
  return findBinary('redis-server') !== undefined;
}

export class PrivateRedis {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'keyturn-redis-'));
  #process: LeashedProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    process.once('exit', () => this.#remove());
  }

  static async start(): Promise<PrivateRedis> {
    const redis = new PrivateRedis(await freePort());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const command = findBinary('redis-server');
    if (!command) throw new Error('this machine has no redis-server');
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const logPath = join(this.#directory, 'redis.log');
    this.#process = await LeashedProcess.start(command, [...args, '--dir', this.#directory], { logPath });
    const complaint = () => `Redis did not start:\n${this.#process?.output}`;
    await until(() => isListening(this.port), eventuallyMilliseconds, complaint);
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Stops answering without closing a connection: what a hanging machine looks like. */
  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  async flush(): Promise<void> {
    const redis = new Redis(this.url);
    await redis.flushall();
    redis.disconnect();
  }

  async remove(): Promise<void> {
    await this.kill();
    this.#remove();
  }

  #remove(): void {
    this.#process?.signal('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }
}
