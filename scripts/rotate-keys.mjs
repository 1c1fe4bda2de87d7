// `npm run keys:rotate -- [options]`: `keyturn keys rotate` from a checkout, built first where that is needed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare } from './prepare.mjs';

prepare();
const cli = join(import.meta.dirname, '../dist/cli/main.js');
const { status } = spawnSync(process.execPath, [cli, 'keys', 'rotate', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
