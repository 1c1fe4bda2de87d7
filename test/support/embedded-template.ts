/** A migrated embedded database, made once and copied: making one takes seconds of every suite. */
import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Database } from '../../src/storage/postgres/database.js';
import { openEmbedded } from '../../src/storage/postgres/embedded-driver.js';

const projectDirectory = fileURLToPath(new URL('../..', import.meta.url));
const cacheDirectory = join(projectDirectory, 'node_modules/.cache/keyturn-test');

/** Changes with the migrations and with the lockfile, and so with PGlite. */
function fingerprint(): string {
  const migrations = join(projectDirectory, 'prisma/migrations');
  const names = readdirSync(migrations, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.sql'),
  );
  const files = [
    join(projectDirectory, 'package-lock.json'),
    ...names.sort().map((name) => join(migrations, name)),
  ];
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Puts a migrated embedded database into a DATA_DIR that does not exist yet. */
export async function copyEmbeddedTemplate(dataDirectory: string): Promise<void> {
  const template = join(cacheDirectory, fingerprint());
  if (!existsSync(template)) await makeTemplate(template);
  mkdirSync(dataDirectory, { mode: 0o700 });
  cpSync(join(template, 'postgres'), join(dataDirectory, 'postgres'), { recursive: true });
}

async function makeTemplate(template: string): Promise<void> {
  const made = join(tmpdir(), `keyturn-template-${randomUUID().slice(0, 8)}`);
  const database = new Database(await openEmbedded(made));
  await database.migrate();
  await database.close();
  mkdirSync(cacheDirectory, { recursive: true });
  const staged = `${template}.${randomUUID()}`;
  cpSync(join(made, 'postgres'), join(staged, 'postgres'), { recursive: true });
  rmSync(made, { recursive: true });
  try {
    renameSync(staged, template);
  } catch {
    // Another test process was first.
    rmSync(staged, { recursive: true });
  }
}
