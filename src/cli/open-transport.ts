/**
 * Where a command's operation runs: in this process where it can open the storage itself, else in the running server, which
 * has the embedded database open and listens on the admin socket.
 */
import type { Config } from '../config.js';
import { openWhenFree } from '../storage/postgres/directory-lock.js';
import { openInProcess } from './in-process.js';
import { openSocket } from './socket.js';
import type { Transport } from './transport.js';

/** Throws what opening the storage throws, `DirectoryInUse` included where its holder does not listen. */
export async function openTransport(config: Config): Promise<Transport> {
  if (config.databaseUrl) return openInProcess(config);
  // A server that starts holds the directory before it listens.
  return openWhenFree(
    () => openInProcess(config),
    () => openSocket(config.dataDirectory),
  );
}
