/**
 * A process that rotates keys by force, for tests that race or kill it: `rotating-process.ts KEYS_DIR COUNT`. It says
 * `ready` and begins at the first line on its standard input. With a count it prints the outcomes as one JSON array;
 * with `endless` it starts as a server does, and rotates until it is killed.
 */
import { once } from 'node:events';
import { rotateKeys } from '../../src/admin/keys.js';
import { admin, fileStore, openRing } from './support.js';

const [directory = '', count = '1'] = process.argv.slice(2);

function rotate() {
  return rotateKeys(admin(fileStore(directory)), { force: true });
}

async function rotateAtOnce(times: number): Promise<void> {
  const results = await Promise.all(Array.from({ length: times }, rotate));
  process.stdout.write(`${JSON.stringify(results.map((result) => result.outcome))}\n`);
}

async function rotateEndlessly(): Promise<never> {
  await openRing(fileStore(directory));
  for (;;) await rotate();
}

process.stdout.write('ready\n');
await once(process.stdin, 'data');
await (count === 'endless' ? rotateEndlessly() : rotateAtOnce(Number(count)));
process.exit(0);
