/**
 * `npm run bench`: what keyturn costs over the unavoidable. Each figure is a ratio to a bare server, within one run.
 * Needs PostgreSQL: TEST_DATABASE_URL, or the programs initdb and postgres.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Comparison, compare } from './compare.js';
import type { Worker } from './load.js';
import { residentMegabytes } from './processes.js';
import { type Bench, cleanUp, logIn, loginRequest, prepare, scope, startKeyturn } from './setup.js';
import {
  clientCredentialsRequest,
  jwksRequest,
  ReferenceChain,
  RefreshChain,
  repeat,
  times,
} from './workers.js';

const chains = 16;
const connections = 16;
const logins = 8;

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
  const request = clientCredentialsRequest(bench.service);
  return compare(
    { name: 'client_credentials', aim: 0.8, bound: 'one ES256 signature and HTTP' },
    ...sides(
      bench,
      times(connections, repeat({ ...request, path: '/sign' })),
      times(connections, repeat(request)),
    ),
  );
}

function compareJwks(bench: Bench): Promise<Comparison> {
  return compare(
    { name: 'JWKS', aim: 0.9, bound: 'HTTP' },
    ...sides(
      bench,
      times(connections, repeat({ ...jwksRequest, path: '/constant' })),
      times(connections, repeat(jwksRequest)),
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
  await cleanUp();
}
process.exit();
