/**
 * The README's table of settings, made from the code. Run it after a change of src/config.ts;
 * with --check it only says whether the README is up to date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settings } from '../src/config.js';

const begin = '<!-- settings: made by scripts/settings-table.ts -->';
const end = '<!-- end of settings -->';
const path = join(import.meta.dirname, '../README.md');

const rows = Object.values(settings).map(({ name, shownFallback, about, secret }) => {
  const file = secret ? `. Or a file's path in \`${name}_FILE\`` : '';
  return `| \`${name}\` | ${shownFallback && `\`${shownFallback}\``} | ${about}${file} |`;
});
const table = ['| setting | default | meaning |', '|---|---|---|', ...rows].join('\n');

const readme = await readFile(path, 'utf8');
const [before, rest] = readme.split(begin);
const after = rest?.split(end)[1];
if (before === undefined || after === undefined) throw new Error(`README.md lacks "${begin}" or "${end}"`);
const updated = `${before}${begin}\n${table}\n${end}${after}`;

if (process.argv.includes('--check')) {
  if (updated !== readme) {
    console.error('the settings in README.md are out of date: node --import=tsx scripts/settings-table.ts');
    process.exit(1);
  }
} else await writeFile(path, updated);
