/** PGlite: PostgreSQL as WebAssembly, in this process, in DATA_DIR. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { closeDirectory, requireOwn } from '../files/ownership.js';
import type { Driver, Row } from './database.js';
import { lockDirectory } from './directory-lock.js';

/**
 * Opens the embedded database.
 * @throws DirectoryInUse when another process has it open
 * @throws PermissionsError when the directory belongs to another user
 */
export async function openEmbedded(dataDirectory: string): Promise<Driver> {
  await closeDirectory(dataDirectory);
  await requireOwnIfThere(join(dataDirectory, 'postgres'));
  const lock = await lockDirectory(dataDirectory);
  try {
    return driver(await PGlite.create(join(dataDirectory, 'postgres')), lock.release);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** What another user's server made cannot be opened, or could not be opened by it afterwards. */
async function requireOwnIfThere(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found) requireOwn(path, found);
}

function driver(pglite: PGlite, release: () => Promise<void>): Driver {
  return {
    kind: 'embedded',
    adapter: new PrismaPGlite(pglite),
    run: async (_name, text, values) => (await pglite.query<Row>(text, values)).rows,
    transaction: (work) =>
      pglite.transaction((tx) =>
        work(async (_name, text, values) => (await tx.query<Row>(text, values)).rows),
      ),
    listen: (channel, listener) => pglite.listen(channel, listener),
    exclusively: (work) => work(),
    pool: () => undefined,
    close: async () => {
      await pglite.close();
      await release();
    },
  };
}
