/**
 * Where a command's operation runs: in this process where it can open the storage itself, else in the running server, which
 * has the embedded database open and listens on the admin socket.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import { DirectoryInUse } from '../storage/postgres/directory-lock.js';
import { openInProcess } from './in-process.js';
import { openSocket } from './socket.js';
import type { Transport } from './transport.js';

/** A server that starts holds the directory before it listens, and another command holds it only for a moment. */
const patienceMilliseconds = 15_000;
const retryMilliseconds = 100;

/** Throws what opening the storage throws, `DirectoryInUse` included where its holder does not listen. */
export async function openTransport(config: Config): Promise<Transport> {
  if (config.databaseUrl) return openInProcess(config);
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await openInProcess(config);
    } catch (error) {
      if (!(error instanceof DirectoryInUse)) throw error;
      const socket = await openSocket(config.dataDirectory);
      if (socket) return socket;
      if (Date.now() > deadline) throw error;
    }
    await sleep(retryMilliseconds);
  }
}
