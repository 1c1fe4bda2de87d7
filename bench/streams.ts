// What verifiers cost that follow the feed: 10,000 streams open at one of two instances on PostgreSQL. Memory, processor time and
// statements while nothing happens; how soon all of them hear of a revocation; how long other requests wait meanwhile.
// Usage: npx tsx bench/streams.ts [streams]
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { basic } from '../test/support/http-client.js';
import { type SeededClient, seedClient, withDatabase } from '../test/support/seed.js';
import type { ServerProcess } from '../test/support/server-process.js';
import { TwoInstances } from './instances.js';
import { processorMilliseconds, residentMegabytes } from './processes.js';
import { quantile } from './statistics.js';

const count = Number(process.argv[2] ?? 10_000);
const openedAtOnce = 100;
const idleSeconds = 20;
/** Asked without waiting for the answers before: a server that stands still is seen by all who come meanwhile. */
const betweenRequestsMilliseconds = 10;
const revocations = 20;

/** One verifier's connection: notes when it was first told of a value. */
class Stream {
  readonly #socket: Socket;
  readonly #heard = new Map<string, number>();
  #rest = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number, authorization: string): Promise<Stream> {
    const socket = connect({ port, host: '127.0.0.1' }).setEncoding('latin1');
    const stream = new Stream(socket);
    socket.write(
      `GET /revocations HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: ${authorization}\r\n\r\n`,
    );
    const [head] = await once(socket, 'data');
    if (!String(head).startsWith('HTTP/1.1 200')) throw new Error(String(head));
    socket.on('data', (chunk) => stream.#read(String(chunk)));
    return stream;
  }

  heardAt(value: string): number | undefined {
    return this.#heard.get(value);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const value = /"value":"([^"]+)"/.exec(line)?.[1];
      if (value) this.#heard.set(value, performance.now());
    }
  }
}

async function openStreams(port: number, authorization: string): Promise<Stream[]> {
  const streams: Stream[] = [];
  while (streams.length < count) {
    const batch = Math.min(openedAtOnce, count - streams.length);
    streams.push(
      ...(await Promise.all(Array.from({ length: batch }, () => Stream.open(port, authorization)))),
    );
  }
  return streams;
}

interface Idle {
  processorShare: number;
  statementsPerSecond: number;
  /** Of requests to the same instance, in milliseconds. */
  waits: number[];
}

async function idle({ second, pid, settings }: TwoInstances): Promise<Idle> {
  const statements = () =>
    withDatabase(settings, async (database) => {
      const [row] = await database.prisma.$queryRaw<{ xact_commit: bigint }[]>`
        SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`;
      return Number(row?.xact_commit);
    });
  const [statementsBefore, processorBefore, startedAt] = [
    await statements(),
    processorMilliseconds(pid),
    performance.now(),
  ];
  const waits: Promise<number>[] = [];
  while (performance.now() - startedAt < idleSeconds * 1000) {
    waits.push(wait(second));
    await sleep(betweenRequestsMilliseconds);
  }
  const milliseconds = performance.now() - startedAt;
  return {
    processorShare: (processorMilliseconds(pid) - processorBefore) / milliseconds,
    statementsPerSecond: ((await statements()) - statementsBefore) / (milliseconds / 1000),
    waits: await Promise.all(waits),
  };
}

async function wait(instance: ServerProcess): Promise<number> {
  const askedAt = performance.now();
  await instance.get('/health/live');
  return performance.now() - askedAt;
}

/** Milliseconds from the answer at the other instance until each stream was told. */
async function revoke({ first }: TwoInstances, streams: Stream[], reader: SeededClient): Promise<number[]> {
  const headers = basic(reader.id, reader.secret);
  const { body } = await first.token({ grant_type: 'client_credentials' }, headers);
  const { jti } = decodeJwt(body.access_token);
  if (jti === undefined) throw new Error('an access token without jti');
  await first.revoke(body.access_token, {}, headers);
  const answeredAt = performance.now();
  const times: number[] = [];
  for (const stream of streams) {
    while (stream.heardAt(jti) === undefined) await sleep(1);
    times.push((stream.heardAt(jti) ?? Number.NaN) - answeredAt);
  }
  return times;
}

function printIdle(name: string, { processorShare, statementsPerSecond, waits }: Idle): void {
  const share = (100 * processorShare).toFixed(1);
  const [median, p99, last] = [0.5, 0.99, 1].map((part) => quantile(waits, part).toFixed(1));
  console.log(
    `| ${name} | ${share} % of a core | ${statementsPerSecond.toFixed(1)}/s | ${median} / ${p99} / ${last} ms |`,
  );
}

const instances = await TwoInstances.start(false);
try {
  const reader = await withDatabase(instances.settings, (database) =>
    seedClient(database, { type: 'confidential', scope: ['revocations:read'] }),
  );
  console.log('| | processor | transactions | other requests, median / p99 / slowest |\n|---|---|---|---|');
  printIdle('no streams', await idle(instances));
  const before = residentMegabytes(instances.pid);
  const { authorization = '' } = basic(reader.id, reader.secret);
  const streams = await openStreams(Number(new URL(instances.second.url).port), authorization);
  printIdle(`${streams.length} streams`, await idle(instances));
  const megabytes = residentMegabytes(instances.pid) - before;
  console.log(
    `\nmemory: ${megabytes.toFixed(0)} MB, ${((megabytes * 1000) / streams.length).toFixed(1)} kB each`,
  );
  const times: number[] = [];
  for (let index = 0; index < revocations; index += 1)
    times.push(...(await revoke(instances, streams, reader)));
  const [median, p99, last] = [0.5, 0.99, 1].map((part) => quantile(times, part).toFixed(0));
  console.log(
    `from 200 on /revoke at the other instance until a stream is told: median ${median} ms, p99 ${p99} ms, last ${last} ms`,
  );
  for (const stream of streams) stream.close();
} finally {
  await instances.stop();
}
process.exit();
