/** Child processes that end with the test process, however that ends. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './binaries.js';

// A reader waits on a pipe from the test process: when that closes, the program goes too. The shell's exit is the program's.
// NODE_OPTIONS: the test runner's loaders are not for the programs under test.
const script = `
  unset NODE_OPTIONS
  exec 3<&0
  log=$1; shift
  : >"$log"
  "$@" >"$log" 2>&1 3<&- &
  program=$!
  echo $program
  { read line <&3; kill -KILL $program; } >/dev/null 2>&1 &
  reader=$!
  wait $program; code=$?
  kill $reader
  exit $code`;

export interface LeashOptions {
  /** Takes what the program prints. */
  logPath: string;
  env?: Record<string, string>;
  account?: Account | undefined;
}

/** For what only has to happen, whenever: longer than any machine stalls. */
export const eventuallyMilliseconds = 60_000;

async function firstLine(shell: ChildProcessByStdio<Writable, Readable, null>): Promise<string> {
  const gone = once(shell, 'exit').then(([code]) => {
    throw new Error(`the shell ended with ${code} and started nothing`);
  });
  // Later its end is no failure.
  gone.catch(() => undefined);
  const [line] = await Promise.race([once(createInterface(shell.stdout), 'line'), gone]);
  return String(line);
}

export class LeashedProcess {
  readonly pid: number;
  readonly logPath: string;
  readonly #shell: ChildProcess;

  private constructor(pid: number, logPath: string, shell: ChildProcess) {
    this.pid = pid;
    this.logPath = logPath;
    this.#shell = shell;
  }

  static async start(command: string, args: string[], options: LeashOptions): Promise<LeashedProcess> {
    const { logPath, env, account } = options;
    const shell = spawn('sh', ['-c', script, 'sh', logPath, command, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
      ...account,
    });
    const pid = await firstLine(shell);
    shell.unref();
    for (const pipe of [shell.stdin, shell.stdout]) if (pipe instanceof Socket) pipe.unref();
    return new LeashedProcess(Number(pid), logPath, shell);
  }

  /** The exit status, 128 and the signal's number after a signal; null while it runs. */
  get exitCode(): number | null {
    return this.#shell.exitCode;
  }

  /** What it has printed. */
  get output(): string {
    return readFileSync(this.logPath, 'utf8');
  }

  signal(signal: NodeJS.Signals): void {
    if (this.exitCode !== null) return;
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      // It ended, and its shell has not told us yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Sends the signal and waits until the process is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.signal(signal);
    await this.exited();
  }

  async exited(timeoutMilliseconds = eventuallyMilliseconds): Promise<void> {
    await until(
      () => this.exitCode !== null,
      timeoutMilliseconds,
      () => `process ${this.pid} has not ended:\n${this.output}`,
    );
  }
}

/** Waits until `condition` holds; throws with what `complaint` says when it takes longer. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMilliseconds: number,
  complaint: () => string,
): Promise<void> {
  const deadline = Date.now() + timeoutMilliseconds;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(complaint());
    await sleep(20);
  }
}
