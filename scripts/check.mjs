// `npm run check`: style and types, everywhere, and the README's settings. The structure (who may import whom) is held by test/structure.test.ts.
import { pathToFileURL } from 'node:url';
import { prepare, runScript, runTool } from './prepare.mjs';

/** Exits with an error at the first finding. */
export function check() {
  runTool('biome', ['check', '--error-on-warnings', '.']);
  runTool('tsc', ['-p', 'test/tsconfig.json']);
  runTool('tsc', ['-p', 'src/browser/tsconfig.json', '--noEmit']);
  runScript('scripts/settings-table.ts', ['--check']);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  prepare();
  check();
}
