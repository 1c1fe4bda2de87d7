/** PGlite: PostgreSQL as WebAssembly, in this process, in DATA_DIR. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { closeDirectory, requireOwn } from '../files/ownership.js';
import type { Fitness } from './connection/fitness.js';
import { embeddedSettings } from './connection/settings.js';
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
    const pglite = await PGlite.create(join(dataDirectory, 'postgres'));
    await pglite.exec(embeddedSettings());
    return driver(pglite, lock.release);
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
    schema: 'public',
    adapter: new PrismaPGlite(pglite),
    run: async (_name, text, values) => (await pglite.query<Row>(text, values)).rows,
    transaction: (work) =>
      pglite.transaction((tx) =>
        work(async (_name, text, values) => (await tx.query<Row>(text, values)).rows),
      ),
    listen: (channel, { onNotify }) => pglite.listen(channel, onNotify),
    exclusively: (work) => work(),
    fitness: async () => embeddedFitness,
    makeSchema: async () => undefined,
    pool: () => undefined,
    close: async () => {
      await pglite.close();
      await release();
    },
  };
}

/** It is made here, and always the same. */
const embeddedFitness: Fitness = {
  encoding: 'UTF8',
  pooler: 'none',
  hasTriggers: true,
  isReadOnly: false,
  isDurable: true,
};
