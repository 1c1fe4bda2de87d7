/** The migrations in `prisma/migrations`, applied the way `prisma migrate deploy` would, from inside this process. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type { MigrationList } from '@prisma/schema-engine-wasm';
import { openSchemaEngine } from './schema-engine.js';

const migrationsDirectory = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));

/** Runs SQL with `$1`-style parameters and answers the rows. */
export type RunSql = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

async function migrationNames(): Promise<string[]> {
  const entries = await readdir(migrationsDirectory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The migrations on disk in the engine's own shape. */
export async function loadMigrations(): Promise<MigrationList> {
  const names = await migrationNames();
  const directories = names.map(async (path) => ({
    path,
    migrationFile: {
      path: 'migration.sql',
      content: {
        tag: 'ok' as const,
        value: await readFile(join(migrationsDirectory, path, 'migration.sql'), 'utf8'),
      },
    },
  }));
  const lockfile = await readFile(join(migrationsDirectory, 'migration_lock.toml'), 'utf8');
  return {
    baseDir: migrationsDirectory,
    lockfile: { path: 'migration_lock.toml', content: lockfile },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(directories),
  };
}

/** Names of the migrations that the database still lacks. Costs one query, and no schema engine. */
export async function pendingMigrations(run: RunSql): Promise<string[]> {
  const [table] = await run(`SELECT to_regclass('_prisma_migrations')::text AS name`);
  const names = await migrationNames();
  if (!table?.name) return names;
  const rows = await run(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const applied = new Set(rows.map((row) => row.name));
  return names.filter((name) => !applied.has(name));
}

/** Applies what is pending and answers the names. The caller holds a lock against a second migrator. */
export async function applyMigrations(factory: SqlMigrationAwareDriverAdapterFactory): Promise<string[]> {
  const engine = await openSchemaEngine(factory);
  try {
    const result = await engine.applyMigrations({
      migrationsList: await loadMigrations(),
      filters: { externalTables: [], externalEnums: [] },
    });
    return result.appliedMigrationNames;
  } finally {
    engine.free();
  }
}
