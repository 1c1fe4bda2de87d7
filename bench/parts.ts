/**
 * Where the time of a request goes: `npx tsx bench/parts.ts [refresh|client_credentials|jwks]` samples both servers under load and
 * prints microseconds of its main thread per request, by part. The thread pool, and PostgreSQL's own processes, are not in it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureRate, type Worker } from './load.js';
import type { Measured } from './processes.js';
import { cleanUp, prepare, scope, startBoth } from './setup.js';
import { type Sides, workloads } from './workloads.js';

const warmUpMilliseconds = 2_000;
const measuredMilliseconds = 6_000;
const listed = 25;

interface Frame {
  functionName: string;
  url: string;
}

interface Profile {
  nodes: { id: number; callFrame: Frame; children?: number[] }[];
  /** Which node was found running, and how many microseconds after the sample before. */
  samples: number[];
  timeDeltas: number[];
}

/** A folder of keyturn, a package, or a module of Node.js; native work counts as whatever called it. */
function partOf({ url, functionName }: Frame): string | undefined {
  const own = /\/dist\/(?:storage\/)?([^/]+)/.exec(url)?.[1];
  const packageName = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (packageName) return packageName;
  if (own) return `keyturn ${own.replace(/\.js$/, '')}`;
  if (url.startsWith('node:')) return url.split('/').slice(0, 3).join('/');
  return functionName.startsWith('(') ? functionName : undefined;
}

/** Microseconds by part, of the last `microseconds` of the profile. */
function timeByPart({ nodes, samples, timeDeltas }: Profile, microseconds: number): Map<string, number> {
  const partById = new Map<number, string>();
  // A node's parents stand before it.
  for (const { id, callFrame, children = [] } of nodes) {
    const part = partOf(callFrame) ?? partById.get(id) ?? '(other)';
    partById.set(id, part);
    for (const child of children) partById.set(child, part);
  }
  const byPart = new Map<string, number>();
  let remaining = microseconds;
  for (let index = samples.length - 1; index >= 0 && remaining > 0; index -= 1) {
    const [part, delta] = [partById.get(samples[index] ?? 0) ?? '(other)', timeDeltas[index] ?? 0];
    byPart.set(part, (byPart.get(part) ?? 0) + delta);
    remaining -= delta;
  }
  return byPart;
}

type Side = keyof Sides<unknown>;

/** Microseconds per request, by part. */
async function measureParts(
  server: Measured,
  workers: readonly Worker[],
  directory: string,
): Promise<Map<string, number>> {
  await measureRate(server.port, workers, warmUpMilliseconds);
  const perSecond = await measureRate(server.port, workers, measuredMilliseconds);
  await server.stop();
  const [file = ''] = readdirSync(directory).filter((entry) => entry.endsWith('.cpuprofile'));
  const profile: Profile = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const answered = (perSecond * measuredMilliseconds) / 1000;
  const byPart = timeByPart(profile, measuredMilliseconds * 1000);
  return new Map([...byPart].map(([part, total]) => [part, total / answered]));
}

function print(name: string, parts: Sides<ReadonlyMap<string, number>>): void {
  console.log(`${name}: microseconds of the main thread per request\nreference  keyturn`);
  const names = [...new Set([...parts.reference.keys(), ...parts.keyturn.keys()])];
  const rows = names.map((part) => ({
    part,
    reference: parts.reference.get(part) ?? 0,
    keyturn: parts.keyturn.get(part) ?? 0,
  }));
  rows.sort((one, other) => other.keyturn + other.reference - one.keyturn - one.reference);
  for (const { part, reference, keyturn } of rows.slice(0, listed))
    console.log(`${reference.toFixed(1).padStart(9)}${keyturn.toFixed(1).padStart(9)}  ${part}`);
}

async function main(name: string): Promise<void> {
  const workload = workloads[name];
  if (!workload) throw new Error(`one of: ${Object.keys(workloads).join(', ')}`);
  const directories = { reference: temporaryDirectory(), keyturn: temporaryDirectory() };
  const profiling = (side: Side) => [
    '--cpu-prof',
    `--cpu-prof-dir=${directories[side]}`,
    '--cpu-prof-interval=200',
  ];
  const profiled = { reference: profiling('reference'), keyturn: profiling('keyturn') };
  const bench = await startBoth(await prepare(), profiled);
  const workers = await workload.workers(bench);
  print(name, {
    reference: await measureParts(bench.reference, workers.reference, directories.reference),
    keyturn: await measureParts(bench.keyturn, workers.keyturn, directories.keyturn),
  });
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-profile-'));
  scope.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

try {
  await main(process.argv[2] ?? 'refresh');
} finally {
  await cleanUp();
}
process.exit();
