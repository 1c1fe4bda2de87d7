/** The real server, in this process: one instance, or several that share database, Redis and keys. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/logger.js';
import { buildServer, type Server } from '../../src/server.js';
import type { Database } from '../../src/storage/postgres/database.js';
import { copyEmbeddedTemplate } from './embedded-template.js';
import { HttpClient } from './http-client.js';
import { freePort } from './ports.js';
import { type Scope, testDatabase, testRedis } from './services.js';
import { persistently } from './stalls.js';

export type Settings = Record<string, string>;

export interface ServerOptions {
  /** Environment variables, as in the README. Those of the helper can be replaced. */
  settings?: Settings;
  /** Default: embedded. */
  database?: 'embedded' | 'postgres';
  /** Default: false. */
  redis?: boolean;
  /** Default: 1. More than one needs `postgres`. */
  instances?: number;
}

/** One instance: its endpoints, and the composition behind them. */
export class Instance extends HttpClient {
  readonly server: Server;
  /** What it logged, a JSON object per line. */
  readonly log: readonly string[];
  #closed: Promise<void> | undefined;

  constructor(url: string, server: Server, log: readonly string[]) {
    super(url);
    this.server = server;
    this.log = log;
  }

  /** Once, however often it is called. */
  close(): Promise<void> {
    this.#closed ??= this.server.close();
    return this.#closed;
  }
}

/** All instances; calls go to the first. */
export class RunningServer extends HttpClient {
  readonly instances: readonly Instance[];
  readonly first: Instance;
  /** The environment of the first instance: for starting another on the same storage. */
  readonly settings: Settings;

  constructor(first: Instance, others: readonly Instance[], settings: Settings) {
    super(first.url);
    this.first = first;
    this.instances = [first, ...others];
    this.settings = settings;
  }

  get database(): Database {
    return this.first.server.storage.database;
  }

  /** Instance `index`, from 0. */
  instance(index: number): Instance {
    const instance = this.instances[index];
    if (!instance) throw new Error(`there is no instance ${index}`);
    return instance;
  }

  async close(): Promise<void> {
    for (const instance of this.instances) await instance.close();
  }
}

/** Cheap hashing, and limits that no test meets by accident. */
const testSettings: Settings = {
  LOG_LEVEL: 'debug',
  ARGON2_MEMORY_KIB: '1024',
  ARGON2_TIME_COST: '2',
  LOGIN_RATE_PER_MINUTE: '1000000',
  REQUEST_RATE_PER_MINUTE: '0',
};

/** A directory that goes when the test ends. Its path is short enough to hold a Unix socket. */
export function temporaryDirectory(t: Scope): string {
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  return directory;
}

/** The environment of a server with fresh storage and keys of its own, on a free port. */
export async function serverSettings(t: Scope, options: ServerOptions = {}): Promise<Settings> {
  const { settings, database = 'embedded', redis = false } = options;
  const directory = temporaryDirectory(t);
  const port = await freePort();
  const dataDirectory = join(directory, 'data');
  if (database === 'embedded') await copyEmbeddedTemplate(dataDirectory);
  return {
    ...testSettings,
    PORT: String(port),
    ISSUER: `http://127.0.0.1:${port}`,
    DATA_DIR: dataDirectory,
    KEYS_DIR: join(directory, 'keys'),
    ...(database === 'postgres' && { DATABASE_URL: await testDatabase(t) }),
    ...(redis && { REDIS_URL: await testRedis(t) }),
    ...settings,
  };
}

/** Starts the server and closes it when the test ends. */
export async function startServer(t: Scope, options: ServerOptions = {}): Promise<RunningServer> {
  const settings = await serverSettings(t, options);
  const instances: Instance[] = [];
  t.teardown(() => Promise.all(instances.map((instance) => instance.close())));
  const first = await startInstance(settings);
  instances.push(first);
  while (instances.length < (options.instances ?? 1)) {
    instances.push(await startInstance({ ...settings, PORT: String(await freePort()) }));
  }
  return new RunningServer(first, instances.slice(1), settings);
}

/** One instance with exactly these settings. The caller closes it. */
export async function startInstance(settings: Settings): Promise<Instance> {
  const config = loadConfig(settings);
  const log: string[] = [];
  const server = await persistently(() => buildServer(config, createLogger(config.logLevel, lines(log))));
  await server.listen();
  return new Instance(`http://127.0.0.1:${config.port}`, server, log);
}

function lines(log: string[]): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      log.push(chunk);
      done();
    },
  });
}
