// Makes the libraries packages of their own, out of the compiled server: DIST/packages/{verifier,browser}, ready for `npm pack`.
// Usage, after the build: node scripts/pack-libraries.mjs [--dist DIR]
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { dist: { type: 'string', default: join(root, 'dist') } } });
const { version } = readJson(join(root, 'package.json'));

for (const library of ['verifier', 'browser']) packLibrary(library);

function packLibrary(library) {
  const source = join(root, 'src', library);
  const target = join(values.dist, 'packages', library);
  rmSync(target, { recursive: true, force: true });
  cpSync(join(values.dist, library), target, { recursive: true });
  cpSync(join(source, 'README.md'), join(target, 'README.md'));
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'));
  const manifest = { ...readJson(join(source, 'package.json')), version };
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
