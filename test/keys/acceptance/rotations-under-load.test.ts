/**
 * Two servers, three kinds of verifier with their default caches and one that keeps keys for just as long as it is told, while
 * keys rotate ten times. The libraries keep keys for up to ten minutes whatever is advertised, so the clocks of all processes
 * run 200 times as fast, and nothing else is changed.
 * One thing no server can help: get-jwks 11 goes on with a key that the key set does not have any more for as long as it is
 * asked. It is held to the rule with that habit taken away, and as it comes to the tokens' own expiry.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { revokeKey, rotateKeys } from '../../../src/admin/keys.js';
import { LeashedProcess } from '../../support/leash.js';
import { freePort } from '../../support/ports.js';
import { seedClient } from '../../support/seed.js';
import { needs, openTestDatabase, testDatabase } from '../../support/services.js';
import { admin, eventually, fileStore, publishedKids, temporaryDirectory } from '../support.js';
import { accelerateFileTimes } from './accelerated-files.mjs';
import type { Counts, Watched } from './load.js';

const ACCELERATION = 200;
const ORIGIN_MS = Date.now();
const accelerated = (realMs: number) => ORIGIN_MS + (realMs - ORIGIN_MS) * ACCELERATION;
const clock = () => Math.floor(accelerated(Date.now()));
accelerateFileTimes(accelerated);

/** A third of a second of real time. */
const SLACK_SECONDS = 60;

/**
 * jose and jwks-rsa keep a key for ten minutes: that is what is advertised. Publish-ahead is longer by 700 s, which are 3.5 s of
 * real time: so long a busy machine may hold up a server before the keys that it tells are those of yesterday.
 */
const settings = { jwksMaxAgeSeconds: 600, keyPublishAheadSeconds: 1300, accessTokenTtlSeconds: 1800 };
const environment = {
  JWKS_MAX_AGE_SECONDS: '600',
  KEY_PUBLISH_AHEAD_SECONDS: '1300',
  ACCESS_TOKEN_TTL_SECONDS: '1800',
  REQUEST_RATE_PER_MINUTE: '0',
  LOG_LEVEL: 'warn',
  ACCELERATION: String(ACCELERATION),
  ORIGIN_MS: String(ORIGIN_MS),
};

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const runtime = ['--import', here('./accelerated-time.mjs'), '--import=tsx'];

// Beyond what a suite has otherwise.
const TIMEOUT_MS = 240_000;
t.setTimeout(TIMEOUT_MS);

type Scope = { teardown(fn: () => Promise<void>): unknown };

/** Two servers on one database and one KEYS_DIR. Answers their base URLs. */
async function startServers(t: Scope, databaseUrl: string, keysDirectory: string): Promise<string[]> {
  const ports = [await freePort(), await freePort()];
  await mkdir(dirname(keysDirectory), { recursive: true });
  for (const port of ports) {
    const logPath = join(dirname(keysDirectory), `server-${port}.log`);
    const env = {
      ...environment,
      PORT: String(port),
      ISSUER: `http://127.0.0.1:${ports[0]}`,
      DATABASE_URL: databaseUrl,
      KEYS_DIR: keysDirectory,
    };
    const server = await LeashedProcess.start(process.execPath, [...runtime, here('../../../src/main.ts')], {
      logPath,
      env,
    });
    t.teardown(() => server.end('SIGKILL'));
    const isReady = () =>
      fetch(`http://127.0.0.1:${port}/health/ready`).then(
        (response) => response.ok,
        () => false,
      );
    await eventually(isReady).catch(() => {
      throw new Error(`the server is not ready: ${server.output}`);
    });
  }
  return ports.map((port) => `http://127.0.0.1:${port}`);
}

/** Waits until no server's key set holds the key any more. */
async function withdrawn(servers: string[], kid: string): Promise<void> {
  for (const server of servers) {
    await eventually(async () => {
      const keySet = await (await fetch(`${server}/.well-known/jwks.json`)).text();
      return !publishedKids(keySet).includes(kid);
    });
  }
}

/** The servers change keys as well: whoever came second is told to look and repeat. */
async function unlessInterrupted<T extends { outcome: string }>(change: () => Promise<T>): Promise<T> {
  for (;;) {
    const result = await change();
    if (result.outcome !== 'conflict') return result;
  }
}

class Load {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  constructor(env: Record<string, string>) {
    const args = ['-u', 'NODE_OPTIONS', process.execPath, ...runtime, here('./load.ts')];
    this.#child = spawn('env', args, { env: { PATH: process.env.PATH, ...environment, ...env } });
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface(this.#child.stdout);
  }

  async count(): Promise<Counts> {
    return JSON.parse(await this.#ask({ count: 'tokens' }));
  }

  async watch(kid: string): Promise<Watched> {
    return JSON.parse(await this.#ask({ watch: kid }));
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  async #ask(command: object): Promise<string> {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const [line] = await once(this.#lines, 'line');
    return String(line);
  }
}

t.test(
  'no verifier anywhere rejects a good token while keys rotate, nor accepts a revoked key beyond the advertised age',
  { ...needs('postgres'), timeout: TIMEOUT_MS },
  async (t) => {
    const keysDirectory = await temporaryDirectory(t);
    const databaseUrl = await testDatabase(t);
    const servers = await startServers(t, databaseUrl, keysDirectory);
    const database = openTestDatabase(databaseUrl);
    const client = await seedClient(database, { type: 'confidential' });
    await database.close();
    const load = new Load({ SERVERS: servers.join(' '), CLIENT_ID: client.id, CLIENT_SECRET: client.secret });
    t.teardown(() => load.stop());
    const context = admin(fileStore(keysDirectory, clock), { clock, settings });

    /** Repeats an ordinary rotation until it is safe. */
    const rotateWhenSafe = () =>
      eventually(async () => (await rotateKeys(context, {})).outcome === 'rotated');
    const schedule = () => unlessInterrupted(() => rotateKeys(context, { atSafeTime: true }));
    const settle = () => sleep(1500);

    /** Counts until so much has been verified and, where that is waited for, another key signs. */
    const counted = async (title: string, previousKid?: string): Promise<string> => {
      let verified = 0;
      let signing = previousKid;
      await eventually(async () => {
        await settle();
        const counts = await load.count();
        t.strictSame(counts.rejected, {}, `${title}: nothing good is rejected`);
        if (counts.unavailable > 0) t.comment(`the server was unavailable ${counts.unavailable} times`);
        verified += counts.verified;
        signing = counts.kids.at(-1) ?? signing;
        return verified > 20 && signing !== previousKid;
      });
      return signing ?? '';
    };

    let signing = await counted('before any rotation');
    for (let rotation = 1; rotation <= 8; rotation += 1) {
      await (rotation % 3 === 0 ? schedule() : rotateWhenSafe());
      // How soon a server takes up a rotation is the machine's business here, not that it does.
      signing = await counted(`rotation ${rotation}`, signing);
      t.pass(`rotation ${rotation}: another key signs`);
    }

    t.match(await unlessInterrupted(() => rotateKeys(context, { force: true })), { outcome: 'rotated' });
    await settle();
    const forced = await load.count();
    t.comment(`after a forced rotation, rejections: ${JSON.stringify(forced.rejected)}`);

    await eventually(async () => (await rotateKeys(context, { dryRun: true })).outcome === 'dry-run');
    const leaked = (await load.count()).kids.at(-1) ?? '';
    t.match(await unlessInterrupted(() => revokeKey(context, leaked)), { outcome: 'revoked' });
    await withdrawn(servers, leaked);
    const { accepted, lagSeconds } = await load.watch(leaked);
    t.comment(`a withdrawn key was accepted for, in seconds: ${JSON.stringify(accepted)}, lag ${lagSeconds}`);
    for (const name of ['jose', 'jwks-rsa', 'advertised age', 'get-jwks, forgetful']) {
      const seconds = accepted[name] ?? Number.POSITIVE_INFINITY;
      const longest = settings.jwksMaxAgeSeconds + SLACK_SECONDS + lagSeconds;
      t.ok(seconds <= longest, `${name} rejects it after ${seconds} s`);
    }
    await load.count();
    let issued = 0;
    await eventually(async () => {
      await settle();
      const after = await load.count();
      t.notOk(after.kids.includes(leaked), 'another key signs');
      issued += after.issued;
      return issued > 0;
    });
  },
);
