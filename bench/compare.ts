/** Two servers take turns under the same load; what counts is the ratio of each turn, and their median. */
import { join } from 'node:path';
import { measureRate, type Worker } from './load.js';
import { type Measured, processorMilliseconds, residentMegabytes } from './processes.js';
import { type Prepared, startBoth } from './setup.js';
import { median, quantile } from './statistics.js';
import type { Sides, Workload } from './workloads.js';

export interface Comparison {
  workload: Workload;
  ratio: number;
  /** A quarter of the turns was below the first, a quarter above the second. */
  ratioQuartiles: [lower: number, upper: number];
  perSecond: Sides<number>;
  /** Processor time of the server's process per request. */
  processorMicroseconds: Sides<number>;
  /** Of keyturn's process in the end. */
  residentMegabytes: number;
}

interface Turn {
  perSecond: number;
  processorMicroseconds: number;
}

/** Two processes of the same program can differ: each comparison is made with several of both. */
const processes = 3;
const aged = [`--import=${join(import.meta.dirname, 'age.mjs')}`];
/** Before and after the process is aged: for V8 to compile all that a refresh passes through, some 20,000 of them. */
const warmUpMilliseconds = 6_000;
const turnMilliseconds = 1_500;
const rounds = 6;

export async function compare(workload: Workload, prepared: Prepared): Promise<Comparison> {
  const turns: Sides<Turn>[] = [];
  let megabytes = Number.NaN;
  for (let count = 0; count < processes; count += 1) {
    const bench = await startBoth(prepared, { reference: aged, keyturn: aged });
    const workers = await workload.workers(bench);
    await warmUp(bench.reference, workers.reference, workload.pace);
    await warmUp(bench.keyturn, workers.keyturn, workload.pace);
    for (let round = 0; round < rounds; round += 1)
      turns.push(await bothTurns(bench, workers, round, workload.pace));
    megabytes = residentMegabytes(bench.keyturn.pid);
    await Promise.all([bench.reference.stop(), bench.keyturn.stop()]);
  }
  const ratios = turns.map(({ reference, keyturn }) => keyturn.perSecond / reference.perSecond);
  return {
    workload,
    ratio: median(ratios),
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    perSecond: medians(turns, 'perSecond'),
    processorMicroseconds: medians(turns, 'processorMicroseconds'),
    residentMegabytes: megabytes,
  };
}

async function warmUp({ pid, port }: Measured, workers: readonly Worker[], pace: number): Promise<void> {
  await measureRate(port, workers, warmUpMilliseconds * pace);
  process.kill(pid, 'SIGUSR2');
  await measureRate(port, workers, warmUpMilliseconds * pace);
}

/** Whoever goes second meets a machine that the first has warmed, or tired. */
async function bothTurns(
  servers: Sides<Measured>,
  workers: Sides<Worker[]>,
  round: number,
  pace: number,
): Promise<Sides<Turn>> {
  const order = round % 2 === 0 ? (['reference', 'keyturn'] as const) : (['keyturn', 'reference'] as const);
  const turns: Partial<Sides<Turn>> = {};
  for (const side of order) turns[side] = await turn(servers[side], workers[side], pace);
  return turns as Sides<Turn>;
}

async function turn(server: Measured, workers: readonly Worker[], pace: number): Promise<Turn> {
  const before = processorMilliseconds(server.pid);
  const startedAt = performance.now();
  const perSecond = await measureRate(server.port, workers, turnMilliseconds * pace);
  const answered = (perSecond * (performance.now() - startedAt)) / 1000;
  return {
    perSecond,
    processorMicroseconds: ((processorMilliseconds(server.pid) - before) * 1000) / answered,
  };
}

function medians(turns: readonly Sides<Turn>[], figure: keyof Turn): Sides<number> {
  return {
    reference: median(turns.map(({ reference }) => reference[figure])),
    keyturn: median(turns.map(({ keyturn }) => keyturn[figure])),
  };
}
