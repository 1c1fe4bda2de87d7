/** Secrets come from stdin, a file, or a prompt without echo: arguments are seen by every process and kept by shells. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { type Option, type ParsedOptions, type Streams, UsageError } from './command.js';

export const passwordOptions: Record<string, Option> = {
  'password-stdin': { about: 'Read the password from stdin' },
  'password-file': { value: 'FILE', about: 'Read the password from a file' },
};

/** One line end at the end is not part of it: `echo` and editors add one. Throws {@link UsageError}. */
export async function readPassword(options: ParsedOptions, { stdin, stderr }: Streams): Promise<string> {
  const file = options.get('password-file')?.[0];
  const fromStdin = options.has('password-stdin');
  if (file !== undefined && fromStdin)
    throw new UsageError('--password-stdin and --password-file exclude each other');
  if (file !== undefined) return withoutLineEnd(await fileText(file));
  if (fromStdin) return withoutLineEnd(await textOf(stdin));
  if (stdin.isTTY) return prompted(stdin, stderr);
  throw new UsageError('missing --password-stdin or --password-file');
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(`the file that --password-file names cannot be read (${code})`);
  }
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

async function prompted(stdin: Readable, stderr: Writable): Promise<string> {
  const password = await promptOnce('Password: ', stdin, stderr);
  const again = await promptOnce('Again: ', stdin, stderr);
  if (password !== again) throw new UsageError('the two passwords differ');
  return password;
}

function promptOnce(question: string, stdin: Readable, stderr: Writable): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  stderr.write(question);
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => reject(new UsageError('no password')));
    lines.question('', (answer) => {
      stderr.write('\n');
      resolve(answer);
      lines.close();
    });
  });
}
