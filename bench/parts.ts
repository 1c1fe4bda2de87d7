/**
 * Where the time of a request goes: `npx tsx bench/parts.ts [refresh|client_credentials|jwks]` samples the server under load and
 * prints microseconds of its main thread per request, by part. The thread pool, and PostgreSQL's own processes, are not in it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureRate, type Worker } from './load.js';
import { type Bench, cleanUp, logIn, prepare } from './setup.js';
import { clientCredentialsRequest, jwksRequest, RefreshChain, repeat, times } from './workers.js';

const connections = 16;
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

const workloads: Record<string, (bench: Bench) => Promise<Worker[]>> = {
  refresh: async (bench) => {
    const logins = await Promise.all(Array.from({ length: connections }, () => logIn(bench)));
    return logins.map((login) => new RefreshChain(login, bench.app));
  },
  client_credentials: async ({ service }) => times(connections, repeat(clientCredentialsRequest(service))),
  jwks: async () => times(connections, repeat(jwksRequest)),
};

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

function print(name: string, perSecond: number, byPart: ReadonlyMap<string, number>): void {
  const answered = (perSecond * measuredMilliseconds) / 1000;
  console.log(`${name}: ${perSecond.toFixed(0)} per second; microseconds of the main thread per request`);
  const parts = [...byPart].sort(([, one], [, other]) => other - one).slice(0, listed);
  for (const [part, total] of parts) console.log(`${(total / answered).toFixed(1).padStart(9)}  ${part}`);
}

async function main(name: string): Promise<void> {
  const workload = workloads[name];
  if (!workload) throw new Error(`one of: ${Object.keys(workloads).join(', ')}`);
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-profile-'));
  try {
    const bench = await prepare(['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=200']);
    const workers = await workload(bench);
    await measureRate(bench.keyturn.port, workers, warmUpMilliseconds);
    const perSecond = await measureRate(bench.keyturn.port, workers, measuredMilliseconds);
    await bench.keyturn.stop();
    const [file = ''] = readdirSync(directory).filter((entry) => entry.endsWith('.cpuprofile'));
    const profile: Profile = JSON.parse(readFileSync(join(directory, file), 'utf8'));
    print(name, perSecond, timeByPart(profile, measuredMilliseconds * 1000));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  await main(process.argv[2] ?? 'refresh');
} finally {
  await cleanUp();
}
process.exit();
