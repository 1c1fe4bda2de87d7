/** PGlite: PostgreSQL as WebAssembly, in this process, in DATA_DIR. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import type { Driver, Row } from './database.js';
import { lockDirectory } from './directory-lock.js';

/** Opens the embedded database, or throws `DirectoryInUse` when another process has it open. */
export async function openEmbedded(dataDirectory: string): Promise<Driver> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  await chmod(dataDirectory, 0o700);
  const lock = await lockDirectory(dataDirectory);
  try {
    return driver(await PGlite.create(join(dataDirectory, 'postgres')), lock.release);
  } catch (error) {
    await lock.release();
    throw error;
  }
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
