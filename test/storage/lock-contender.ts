// Tries to lock a directory several times at once, reports what came of each, and stays until it is killed.
import { mkdirSync } from 'node:fs';
import { lockDirectory } from '../../src/storage/postgres/directory-lock.js';

const [directory = '', times = '1'] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });

async function attempt(): Promise<string> {
  try {
    await lockDirectory(directory);
    return 'locked';
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown';
  }
}

process.send?.(await Promise.all(Array.from({ length: Number(times) }, attempt)));
setInterval(() => undefined, 60_000);
