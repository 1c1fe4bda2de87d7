/**
 * A lock on a directory that ends with its holder, however it ends: a listening Unix socket in that directory.
 * A file with a process id would not do: ids are reused, and two containers that share a volume do not share ids.
 */
import { randomUUID } from 'node:crypto';
import { link, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest path that every platform accepts for a Unix socket, in bytes. */
const socketPathLimit = 100;

export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse';
  constructor(directory: string) {
    super(
      `${directory} is in use by another keyturn process: only one may open an embedded database at a time`,
    );
  }
}

/** How long a command, or a server that is stopping, may take to leave the directory. */
const patienceMilliseconds = 15_000;
const retryMilliseconds = 100;

/**
 * Opens what locks the directory, again and again while another process has it: most have it only for a moment.
 * `instead` is called after each such failure: it may have another answer, or put an end to it by throwing.
 * Throws what `open` throws; {@link DirectoryInUse} only after 15 s.
 */
export async function openWhenFree<T>(
  open: () => Promise<T>,
  instead: (error: DirectoryInUse) => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof DirectoryInUse)) throw error;
      const other = await instead(error);
      if (other) return other;
      if (performance.now() > deadline) throw error;
    }
    await sleep(retryMilliseconds);
  }
}

export interface DirectoryLock {
  release(): Promise<void>;
}

const namePattern = /^lock-(\d{1,9})\.sock$/;
/** Names of dead holders that are kept, so that whoever lists the directory meanwhile cannot miss them all. */
const keptNames = 2;

function nameOf(number: number): string {
  return `lock-${number}.sock`;
}

/** Takes the lock, or throws {@link DirectoryInUse}. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const ownPath = join(directory, `.lock-${randomUUID().slice(0, 8)}`);
  if (Buffer.byteLength(ownPath) > socketPathLimit) {
    throw new Error(
      `the path of DATA_DIR is too long for a Unix socket: ${directory} (try one under ${tmpdir()})`,
    );
  }
  const server = await listen(ownPath);
  try {
    const path = await takeName(ownPath, directory);
    return { release: () => release(server, path) };
  } catch (error) {
    await close(server);
    throw error;
  } finally {
    await rm(ownPath, { force: true });
  }
}

/** Leaves the name, as an ordinary file, so that whoever copies the directory meets no socket. */
async function release(server: Server, path: string): Promise<void> {
  await close(server);
  const released = `${path}.released`;
  await writeFile(released, '');
  await rename(released, path);
}

/**
 * Gives the socket the next name. Names are numbered; a holder owns the highest, and nobody ever removes that, alive or dead.
 * `link` is atomic, so of several starters one gets a number. A number that was free because it is long outdated shows by
 * there being a higher one.
 */
async function takeName(ownPath: string, directory: string): Promise<string> {
  const highest = await highestNumber(directory);
  if (highest > 0 && (await isAlive(join(directory, nameOf(highest))))) throw new DirectoryInUse(directory);
  const number = highest + 1;
  const path = join(directory, nameOf(number));
  try {
    await link(ownPath, path);
  } catch (error) {
    // Somebody else was first: either it has the directory, or it has died since.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return takeName(ownPath, directory);
    throw error;
  }
  if ((await highestNumber(directory)) > number) {
    await rm(path, { force: true });
    return takeName(ownPath, directory);
  }
  await removeUpTo(number - 1 - keptNames, directory);
  return path;
}

async function numbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => namePattern.exec(name)?.slice(1).map(Number) ?? []);
}

async function highestNumber(directory: string): Promise<number> {
  return Math.max(0, ...(await numbers(directory)));
}

async function removeUpTo(last: number, directory: string): Promise<void> {
  const outdated = (await numbers(directory)).filter((number) => number <= last);
  for (const number of outdated) await rm(join(directory, nameOf(number)), { force: true });
}

/** What a dead holder's name, or a released one, answers; anything else that goes wrong is no proof of death. */
const signsOfDeath = new Set<string | undefined>(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(!signsOfDeath.has(code));
    });
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server));
    server.unref();
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
