/** A PostgreSQL server of the test's own, which it may stop, kill and start again. */
import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findBinary, unprivilegedAccount } from './binaries.js';
import { eventuallyMilliseconds, LeashedProcess, until } from './leash.js';
import { freePort } from './ports.js';

const run = promisify(execFile);

export interface PrivatePostgresOptions {
  /** Off is faster, and right where no crash is tested. */
  fsync?: boolean;
}

export function hasPostgres(): boolean {
  return findBinary('initdb') !== undefined && findBinary('postgres') !== undefined;
}

export class PrivatePostgres {
  readonly port: number;
  readonly #directory: string;
  readonly #fsync: boolean;
  #process: LeashedProcess | undefined;

  private constructor(port: number, directory: string, fsync: boolean) {
    this.port = port;
    this.#directory = directory;
    this.#fsync = fsync;
    process.once('exit', () => this.#remove());
  }

  static async start({ fsync = true }: PrivatePostgresOptions = {}): Promise<PrivatePostgres> {
    const account = unprivilegedAccount();
    const directory = mkdtempSync(join(tmpdir(), 'keyturn-postgres-'));
    if (account) chownSync(directory, account.uid, account.gid);
    const args = ['-D', join(directory, 'data'), '-U', 'keyturn', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
    await run(binary('initdb'), [...args, '--no-sync'], { cwd: directory, ...account });
    const server = new PrivatePostgres(await freePort(), directory, fsync);
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://keyturn@127.0.0.1:${this.port}/postgres`;
  }

  async start(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: this.#fsync ? 'on' : 'off',
      shared_buffers: '32MB',
      max_connections: 200,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const args = ['-D', join(this.#directory, 'data'), ...options];
    const logDirectory = join(this.#directory, 'log');
    mkdirSync(logDirectory, { recursive: true, mode: 0o777 });
    const account = unprivilegedAccount();
    if (account) chownSync(logDirectory, account.uid, account.gid);
    this.#process = await LeashedProcess.start(binary('postgres'), args, {
      logPath: join(logDirectory, 'postgres.log'),
      account,
    });
    const complaint = () => `PostgreSQL did not start:\n${this.#process?.output}`;
    await until(() => this.#answers(), eventuallyMilliseconds, complaint);
  }

  /** In order, without waiting for clients to leave. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGINT');
  }

  /** As if the machine had lost power, as far as a process can tell. */
  async kill(): Promise<void> {
    // The server's own children leave when they miss it, and the data directory stays theirs until then.
    await this.#process?.end('SIGQUIT');
  }

  async remove(): Promise<void> {
    await this.kill();
    this.#remove();
  }

  #remove(): void {
    this.#process?.signal('SIGQUIT');
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function binary(name: string): string {
  const path = findBinary(name);
  if (!path) throw new Error(`this machine has no ${name}`);
  return path;
}
