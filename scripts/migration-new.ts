/**
 * Authors a migration: the difference between prisma/migrations and prisma/schema.prisma, as SQL, without a database server.
 * Usage: npm run migration:new -- NAME
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { loadMigrations } from '../src/storage/postgres/migrations.js';
import { openSchemaEngine } from '../src/storage/postgres/schema-engine.js';

const name = process.argv[2];
if (!name || !/^[a-z0-9_]+$/.test(name))
  throw new Error('usage: npm run migration:new -- name_in_snake_case');

const root = join(import.meta.dirname, '..');
const schema = { path: 'schema.prisma', content: await readFile(join(root, 'prisma/schema.prisma'), 'utf8') };
const engine = await openSchemaEngine(new PrismaPGlite(await PGlite.create()), [
  [schema.path, schema.content],
]);
const difference = await engine.diff({
  from: { tag: 'migrations', ...(await loadMigrations()) },
  to: { tag: 'schemaDatamodel', files: [schema] },
  script: true,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
});
const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
const directory = join(root, 'prisma/migrations', `${stamp}_${name}`);
await mkdir(directory);
await writeFile(join(directory, 'migration.sql'), difference.stdout ?? '');
console.log(`wrote ${directory}/migration.sql`);
process.exit(0);
