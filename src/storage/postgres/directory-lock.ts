/**
 * A lock on a directory that ends with its holder, however it ends: a listening Unix socket in that directory.
 * A file with a process id would not do: ids are reused, and two containers that share a volume do not share ids.
 */
import { randomUUID } from 'node:crypto';
import { link, rename, rm, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Takes the lock, or throws {@link DirectoryInUse}. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const lockPath = join(directory, 'lock.sock');
  const ownPath = join(directory, `.lock-${randomUUID().slice(0, 8)}`);
  if (Buffer.byteLength(ownPath) > socketPathLimit) {
    throw new Error(
      `the path of DATA_DIR is too long for a Unix socket: ${directory} (try one under ${tmpdir()})`,
    );
  }
  const server = await listen(ownPath);
  try {
    await takeName(ownPath, lockPath, directory);
  } catch (error) {
    await close(server);
    throw error;
  } finally {
    await rm(ownPath, { force: true });
  }
  return {
    release: async () => {
      await unlink(lockPath).catch(() => undefined);
      await close(server);
    },
  };
}

/** Gives the socket its well-known name; `link` is atomic, so of several starters one wins. */
async function takeName(ownPath: string, lockPath: string, directory: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      await link(ownPath, lockPath);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await isAlive(lockPath)) throw new DirectoryInUse(directory);
    await removeStale(lockPath);
  }
  throw new DirectoryInUse(directory);
}

/** Moves the name of a dead holder aside; puts it back if a live one took it in between. */
async function removeStale(lockPath: string): Promise<void> {
  const aside = `${lockPath}.${randomUUID().slice(0, 8)}`;
  try {
    await rename(lockPath, aside);
  } catch {
    return;
  }
  if (await isAlive(aside)) await link(aside, lockPath).catch(() => undefined);
  await rm(aside, { force: true });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
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
