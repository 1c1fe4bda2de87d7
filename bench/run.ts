/**
 * `npm run bench`: what keyturn costs over the unavoidable. Each figure is a ratio to a bare server, within one run.
 * Needs PostgreSQL: TEST_DATABASE_URL, or the programs initdb and postgres.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Comparison, compare } from './compare.js';
import { residentMegabytes } from './processes.js';
import { cleanUp, type Prepared, prepare, scope, startKeyturn } from './setup.js';
import { workloads } from './workloads.js';

async function idleMegabytes({ env }: Prepared): Promise<number> {
  const server = await startKeyturn(env);
  await sleep(2_000);
  const megabytes = residentMegabytes(server.pid);
  await server.stop();
  return megabytes;
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

function printComparison(comparison: Comparison): void {
  const { workload, ratio, ratioQuartiles, perSecond, processorMicroseconds: processor } = comparison;
  const [lower, upper] = ratioQuartiles;
  const columns = [
    workload.name.padEnd(20),
    `${perSecond.reference.toFixed(0)}/s`.padStart(12),
    `${perSecond.keyturn.toFixed(0)}/s`.padStart(12),
    ratio.toFixed(2).padStart(7),
    `(${lower.toFixed(2)}-${upper.toFixed(2)})`,
    workload.aim.toFixed(2).padStart(5),
    `  ${processor.reference.toFixed(0)} -> ${processor.keyturn.toFixed(0)}`.padEnd(18),
    `${comparison.residentMegabytes.toFixed(0)} MB`.padStart(8),
    `  ${workload.bound}`,
  ];
  console.log(columns.join(' '));
}

const header =
  'median of turns         reference      keyturn   ratio (quartiles)   aim   CPU/request (µs)   memory   bound by';

async function main(): Promise<void> {
  const prepared = await prepare();
  const wanted = process.argv.slice(2);
  console.log(header);
  for (const [name, workload] of Object.entries(workloads)) {
    if (wanted.length === 0 || wanted.includes(name)) printComparison(await compare(workload, prepared));
  }
  const idle = await idleMegabytes(prepared);
  console.log(`resident memory of an idle server on PostgreSQL: ${idle.toFixed(0)} MB (aim: below 150)`);
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
