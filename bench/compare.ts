/** Two servers take turns under the same load; what counts is the ratio of each turn, and their median. */
import { measureRate, type Worker } from './load.js';
import { type Measured, processorMilliseconds } from './processes.js';

export interface Side {
  server: Measured;
  workers: readonly Worker[];
}

export interface Comparison {
  name: string;
  aim: number;
  ratio: number;
  referencePerSecond: number;
  perSecond: number;
  /** Processor time of the server's process per request, in microseconds. */
  referenceProcessorMicroseconds: number;
  processorMicroseconds: number;
  /** What bounds it. */
  bound: string;
}

interface Turn {
  perSecond: number;
  processorMicroseconds: number;
}

const warmUpMilliseconds = 1_500;
const turnMilliseconds = 2_000;
const rounds = 7;

export async function compare(
  { name, aim, bound }: Pick<Comparison, 'name' | 'aim' | 'bound'>,
  reference: Side,
  keyturn: Side,
): Promise<Comparison> {
  await measureRate(reference.server.port, reference.workers, warmUpMilliseconds);
  await measureRate(keyturn.server.port, keyturn.workers, warmUpMilliseconds);
  const turns: [reference: Turn, keyturn: Turn][] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Whoever goes second meets a machine that the first has warmed, or tired.
    if (round % 2 === 0) turns.push([await turn(reference), await turn(keyturn)]);
    else
      turns.push(
        ((later) => [later[1], later[0]] as [Turn, Turn])([await turn(keyturn), await turn(reference)]),
      );
  }
  return {
    ...{ name, aim, bound },
    ratio: median(turns.map(([first, second]) => second.perSecond / first.perSecond)),
    referencePerSecond: median(turns.map(([first]) => first.perSecond)),
    perSecond: median(turns.map(([, second]) => second.perSecond)),
    referenceProcessorMicroseconds: median(turns.map(([first]) => first.processorMicroseconds)),
    processorMicroseconds: median(turns.map(([, second]) => second.processorMicroseconds)),
  };
}

async function turn({ server, workers }: Side): Promise<Turn> {
  const before = processorMilliseconds(server.pid);
  const startedAt = performance.now();
  const perSecond = await measureRate(server.port, workers, turnMilliseconds);
  const answered = (perSecond * (performance.now() - startedAt)) / 1000;
  return {
    perSecond,
    processorMicroseconds: ((processorMilliseconds(server.pid) - before) * 1000) / answered,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
