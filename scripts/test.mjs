// `npm test`: installs what is missing, checks types, style and structure, runs every suite, and says how many tests passed.
// `npm test -- FILE|FOLDER...` runs some of the suites, without the checks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { check } from './check.mjs';
import { prepare, runTool } from './prepare.mjs';

const root = join(import.meta.dirname, '..');
const tapStamp = join(root, 'node_modules/.tap-built');
const suites = process.argv.slice(2).flatMap(filesOf);

prepare();
// tap builds itself for its plugins; without this, its first run after an install fails.
if (!existsSync(tapStamp)) {
  runTool('tap', ['build']);
  writeFileSync(tapStamp, '');
}
if (suites.length === 0) check();

const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');
const runner = spawn(process.execPath, [tap, 'run', '--reporter=tap', ...suites], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(runner, 'exit');
const { passed, failed, skipped } = await follow(createInterface(runner.stdout));
const [code] = await exited;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(code === 0 && failed === 0 && passed > 0 ? 0 : 1);

/** What tap runs for an argument: it takes no folders. */
function filesOf(argument) {
  if (!existsSync(argument) || !statSync(argument).isDirectory()) return [argument];
  return readdirSync(argument, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(argument, name));
}

/**
 * Prints a line per suite as it ends, and whatever failed with its diagnosis. Answers the counts: a suite's results stand
 * at the margin of the TAP stream, its tests one level in, their assertions below.
 */
async function follow(lines) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let diagnosing = false;
  for await (const line of lines) {
    const [, indentation, refusal] = /^( *)(not )?ok \d/.exec(line) ?? [];
    if (indentation?.length === 4) counts[outcome(line, refusal)] += 1;
    const failure = refusal !== undefined && outcome(line, refusal) === 'failed';
    if (indentation !== undefined) diagnosing = failure;
    if (indentation === '' || failure || diagnosing) console.log(line);
    if (line.trim() === '...') diagnosing = false;
  }
  return counts;
}

function outcome(line, refusal) {
  if (/# (SKIP|TODO)/i.test(line)) return 'skipped';
  return refusal ? 'failed' : 'passed';
}
