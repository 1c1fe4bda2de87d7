import { pino } from 'pino';
import { type Config, loadConfig } from '../config.js';
import { createLogger } from '../logger.js';
import type { Command } from './command.js';

export const migrate: Command = {
  name: 'migrate',
  summary: 'Bring the database to the schema of this version. Safe to run twice, or twice at once',
  arguments: [],
  options: {},
  run: async ({ environment }) => {
    const applied = await applyMigrations(loadConfig(environment()));
    return { result: { applied }, text: summaryOf(applied) };
  },
};

async function applyMigrations(config: Config): Promise<string[]> {
  const { openDatabase } = await import('../storage/open.js');
  const { DirectoryInUse } = await import('../storage/postgres/directory-lock.js');
  const log = createLogger('warn', pino.destination({ dest: 2, sync: true }));
  try {
    const database = await openDatabase({ config, log });
    return await database.migrate().finally(() => database.close());
  } catch (error) {
    // Whoever has the embedded database open migrated it when opening it.
    if (error instanceof DirectoryInUse) return [];
    throw error;
  }
}

function summaryOf(applied: readonly string[]): string {
  if (applied.length === 0) return 'The database is up to date.';
  return ['Applied:', ...applied.map((name) => `  ${name}`)].join('\n');
}
