/** The real command, as a process or, since processes take seconds to start, in this one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/run.js';

const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src/cli/main.ts');
const loader = import.meta.resolve('tsx');

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  environment: Record<string, string>;
  stdin?: string;
  /** The working directory. */
  directory?: string;
}

export async function keyturn(
  args: string[],
  { environment, stdin = '', directory }: RunOptions,
): Promise<Ran> {
  const child = spawn(process.execPath, [`--import=${loader}`, main, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    ...(directory !== undefined && { cwd: directory }),
  });
  // Who refuses the arguments does not read what comes on stdin.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, stdout, stderr };
}

/** The same without the process: what `src/cli/main.ts` wraps. */
export async function keyturnHere(args: string[], { environment, stdin = '' }: RunOptions): Promise<Ran> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  streams.stdin.end(stdin);
  const code = (await run(args, environment, streams)) ?? null;
  streams.stdout.end();
  streams.stderr.end();
  return { code, stdout: await text(streams.stdout), stderr: await text(streams.stderr) };
}

/** Runs with `--json`, here, and reads the one value on stdout. */
export async function keyturnJson(args: string[], options: RunOptions) {
  const ran = await keyturnHere([...args, '--json'], options);
  const result: Record<string, unknown> = JSON.parse(ran.stdout);
  return { ...ran, result };
}
