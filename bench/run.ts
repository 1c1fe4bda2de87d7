/**
 * `npm run bench`: what keyturn costs over the unavoidable. Each figure is a ratio to a bare server, within one run.
 * Needs PostgreSQL: TEST_DATABASE_URL, or the programs initdb and postgres.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import argon2 from 'argon2';
import { freePort } from '../test/support/ports.js';
import { seedClient, seedUser } from '../test/support/seed.js';
import { openTestDatabase, testDatabase } from '../test/support/services.js';
import { type Comparison, compare } from './compare.js';
import { Connection, type HttpAnswer, type HttpRequest, type Worker } from './load.js';
import { type Measured, residentMegabytes, startProcess } from './processes.js';

const root = join(import.meta.dirname, '..');
const chains = 16;
const connections = 16;
const logins = 8;
const argon2Settings = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const password = 'correct horse battery staple';

const cleanUps: (() => unknown)[] = [];
const scope = { teardown: (clean: () => unknown) => cleanUps.unshift(clean) };

interface Bench {
  reference: Measured;
  keyturn: Measured;
  jwks: string;
  app: string;
  service: { id: string; secret: string };
  username: string;
}

async function prepare(): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-bench-'));
  scope.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const databaseUrl = await testDatabase(scope);
  const passwordHash = await argon2.hash(password, argon2Settings);
  const database = openTestDatabase(databaseUrl);
  const user = await seedUser(database, { passwordHash, roles: ['r'], permissions: ['p'] });
  const app = await seedClient(database);
  const service = await seedClient(database, { type: 'confidential' });
  await database.close();
  const keyturn = await startKeyturn({ DATABASE_URL: databaseUrl, KEYS_DIR: join(directory, 'keys') });
  const jwks = await (await fetch(`http://127.0.0.1:${keyturn.port}/.well-known/jwks.json`)).text();
  const reference = await startProcess(
    ['--import=tsx', join(root, 'bench/reference-server.ts')],
    {
      PORT: String(await freePort()),
      DATABASE_URL: databaseUrl,
      PASSWORD_HASH: passwordHash,
      CONSTANT: jwks,
    },
    '/constant',
  );
  return { reference, keyturn, jwks, app: app.id, service, username: user.email };
}

async function startKeyturn(env: Record<string, string>): Promise<Measured> {
  const settings = { LOG_LEVEL: 'warn', LOGIN_RATE_PER_MINUTE: '1000000', PASSWORD_HASH_QUEUE: '1000' };
  const server = await startProcess(
    [join(root, 'dist/main.js')],
    { ...settings, PORT: String(await freePort()), ...env },
    '/health/ready',
  );
  scope.teardown(() => server.stop());
  return server;
}

/** The same request again and again. */
function repeat(request: HttpRequest): Worker {
  return { next: () => request, answered: () => undefined };
}

function times(count: number, worker: Worker): Worker[] {
  return Array.from({ length: count }, () => worker);
}

/** Each refresh presents what the one before it was given. */
class RefreshChain implements Worker {
  #refreshToken: string;
  readonly #client: string;

  constructor(login: HttpAnswer, client: string) {
    this.#refreshToken = JSON.parse(login.body).refresh_token;
    this.#client = client;
  }

  next(): HttpRequest {
    const body = `grant_type=refresh_token&client_id=${this.#client}&refresh_token=${this.#refreshToken}`;
    return { method: 'POST', path: '/token', body };
  }

  answered({ body }: HttpAnswer): void {
    this.#refreshToken = JSON.parse(body).refresh_token;
  }
}

/** The reference's chain over a session of its own. */
class ReferenceChain implements Worker {
  readonly #session: string;
  #generation = 0;

  constructor(login: HttpAnswer) {
    const [, claims = ''] = JSON.parse(login.body).access_token.split('.');
    this.#session = JSON.parse(Buffer.from(claims, 'base64url').toString()).sid;
  }

  next(): HttpRequest {
    return {
      method: 'POST',
      path: '/refresh',
      body: `session=${this.#session}&generation=${this.#generation}`,
    };
  }

  answered({ body }: HttpAnswer): void {
    this.#generation = JSON.parse(body).generation;
  }
}

function loginRequest({ app, username }: Bench): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'password', client_id: app, username, password });
  return { method: 'POST', path: '/token', body: form.toString() };
}

async function logIn(bench: Bench): Promise<HttpAnswer> {
  const connection = await Connection.open(bench.keyturn.port);
  const answer = await connection.send(loginRequest(bench));
  connection.close();
  return answer;
}

function sides({ reference, keyturn }: Bench, referenceWorkers: Worker[], workers: Worker[]) {
  return [
    { server: reference, workers: referenceWorkers },
    { server: keyturn, workers },
  ] as const;
}

async function compareRefresh(bench: Bench): Promise<Comparison> {
  const referenceLogins = await Promise.all(
    times(chains, repeat(loginRequest(bench))).map(() => logIn(bench)),
  );
  const keyturnLogins = await Promise.all(times(chains, repeat(loginRequest(bench))).map(() => logIn(bench)));
  return compare(
    { name: 'refresh', aim: 0.75, bound: 'PostgreSQL and the driver' },
    ...sides(
      bench,
      referenceLogins.map((login) => new ReferenceChain(login)),
      keyturnLogins.map((login) => new RefreshChain(login, bench.app)),
    ),
  );
}

function compareClientCredentials(bench: Bench): Promise<Comparison> {
  const { id, secret } = bench.service;
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const body = 'grant_type=client_credentials';
  return compare(
    { name: 'client_credentials', aim: 0.8, bound: 'one ES256 signature and HTTP' },
    ...sides(
      bench,
      times(connections, repeat({ method: 'POST', path: '/sign', body })),
      times(connections, repeat({ method: 'POST', path: '/token', body, authorization })),
    ),
  );
}

function compareJwks(bench: Bench): Promise<Comparison> {
  return compare(
    { name: 'JWKS', aim: 0.9, bound: 'HTTP' },
    ...sides(
      bench,
      times(connections, repeat({ method: 'GET', path: '/constant' })),
      times(connections, repeat({ method: 'GET', path: '/.well-known/jwks.json' })),
    ),
  );
}

function compareLogin(bench: Bench): Promise<Comparison> {
  const request = loginRequest(bench);
  return compare(
    { name: 'login', aim: 0.9, bound: 'argon2' },
    ...sides(bench, times(logins, repeat({ ...request, path: '/login' })), times(logins, repeat(request))),
  );
}

/** Seconds from the start of the process to the first answer, on an embedded database that exists. */
async function coldStartSeconds(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-bench-'));
  scope.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const env = { DATA_DIR: join(directory, 'data'), KEYS_DIR: join(directory, 'keys') };
  await (await startKeyturn(env)).stop();
  const again = await startKeyturn(env);
  await again.stop();
  return again.startMilliseconds / 1000;
}

function printComparisons(comparisons: readonly Comparison[]): void {
  console.log(
    'median of interleaved turns         reference      keyturn   ratio   aim   CPU/request (µs)   bound by',
  );
  for (const each of comparisons) {
    const rates = `${perSecond(each.referencePerSecond)} ${perSecond(each.perSecond)}`;
    const processor = `${each.referenceProcessorMicroseconds.toFixed(0)} -> ${each.processorMicroseconds.toFixed(0)}`;
    const ratio = `${each.ratio.toFixed(2).padStart(7)} ${each.aim.toFixed(2).padStart(5)}`;
    console.log(`${each.name.padEnd(32)} ${rates} ${ratio}   ${processor.padEnd(16)}   ${each.bound}`);
  }
}

function perSecond(rate: number): string {
  return `${rate.toFixed(0)}/s`.padStart(12);
}

async function main(): Promise<void> {
  const bench = await prepare();
  await sleep(2_000);
  const idleMegabytes = residentMegabytes(bench.keyturn.pid);
  const wanted = process.argv.slice(2);
  const comparisons = {
    refresh: compareRefresh,
    client_credentials: compareClientCredentials,
    jwks: compareJwks,
    login: compareLogin,
  };
  const results: Comparison[] = [];
  for (const [name, run] of Object.entries(comparisons)) {
    if (wanted.length === 0 || wanted.includes(name)) results.push(await run(bench));
  }
  printComparisons(results);
  await bench.reference.stop();
  console.log(
    `resident memory of an idle server on PostgreSQL: ${idleMegabytes.toFixed(0)} MB (aim: below 150)`,
  );
  console.log(`the same server after this load: ${residentMegabytes(bench.keyturn.pid).toFixed(0)} MB`);
  console.log(
    `cold start on an existing embedded database: ${(await coldStartSeconds()).toFixed(1)} s (aim: below 3)`,
  );
}

try {
  await main();
} finally {
  for (const clean of cleanUps) await clean();
}
process.exit();
