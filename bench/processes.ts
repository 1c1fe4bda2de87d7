/** The servers under measurement, as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Measured {
  port: number;
  pid: number;
  /** From the start of the process to the first answer. */
  startMilliseconds: number;
  stop(): Promise<void>;
}

const startTimeoutMilliseconds = 30_000;

/** Starts Node.js with these arguments and waits until `path` answers 200. */
export async function startProcess(
  args: string[],
  env: Record<string, string>,
  path: string,
): Promise<Measured> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit').then(() => process.off('exit', kill));
  const port = Number(env.PORT);
  await untilAnswers(child, `http://127.0.0.1:${port}${path}`, startedAt + startTimeoutMilliseconds);
  return {
    port,
    pid: child.pid ?? 0,
    startMilliseconds: performance.now() - startedAt,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function untilAnswers(child: ChildProcess, url: string, deadline: number): Promise<void> {
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`a measured process ended with ${child.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(20);
  }
  throw new Error(`${url} does not answer`);
}

/** Resident memory in MB (10^6 bytes); NaN where there is no /proc. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readProc(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? Number.NaN : (Number(kilobytes) * 1024) / 1e6;
}

const ticksPerSecond = 100;

/** Processor time of the process so far, in milliseconds; NaN where there is no /proc. */
export function processorMilliseconds(pid: number): number {
  const fields = readProc(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
