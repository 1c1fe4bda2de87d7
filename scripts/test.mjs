// `npm test`: installs what is missing, checks types, style and structure, runs every suite, and says how many passed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from './check.mjs';
import { prepare, runTool } from './prepare.mjs';

const root = join(import.meta.dirname, '..');
const tapStamp = join(root, 'node_modules/.tap-built');

prepare();
// tap builds itself for its plugins; without this, its first run after an install fails.
if (!existsSync(tapStamp)) {
  runTool('tap', ['build']);
  writeFileSync(tapStamp, '');
}
const only = process.argv.slice(2);
if (only.length === 0) check();

const directory = mkdtempSync(join(tmpdir(), 'keyturn-test-'));
const results = join(directory, 'results.tap');
const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');
const { status } = spawnSync(
  process.execPath,
  [tap, 'run', '--reporter=terse', `--output-file=${results}`, ...only],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
const { passed, failed, skipped } = count(readFileSync(results, 'utf8'));
rmSync(directory, { recursive: true });
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(status === 0 && failed === 0 && passed > 0 ? 0 : 1);

/** Each suite's tests stand one level in: a test is a line there. */
function count(tapOutput) {
  const lines = tapOutput.split('\n').filter((line) => /^ {4}(not )?ok \d/.test(line));
  const skipped = lines.filter((line) => /# SKIP/i.test(line)).length;
  const failed = lines.filter(
    (line) => line.trimStart().startsWith('not ok') && !/# (SKIP|TODO)/i.test(line),
  ).length;
  return { passed: lines.length - failed - skipped, failed, skipped };
}
