/**
 * What comes from outside is looked at in time that grows with its length, not with the square of it; and text of the protocol
 * by functions that know no alphabet but ASCII.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { patternsIn, pumpedTexts } from './support/patterns.js';
import { shortest } from './support/undisturbed.js';

const source = fileURLToPath(new URL('../src', import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
  .map((name) => ({ name, text: readFileSync(join(source, name), 'utf8') }));

const characters = 20_000;
/** Linear time is below a millisecond; the square of it is several hundred. */
const enoughMilliseconds = 100;

async function slowestMilliseconds(literal: string): Promise<number> {
  const end = literal.lastIndexOf('/');
  const pattern = new RegExp(literal.slice(1, end), literal.slice(end + 1));
  let slowest = 0;
  for (const text of pumpedTexts(literal, characters)) {
    const work = async () => (pattern.global ? text.replace(pattern, '') : pattern.test(text));
    slowest = Math.max(slowest, await shortest(work, enoughMilliseconds));
    if (slowest >= enoughMilliseconds) break;
  }
  return slowest;
}

t.test('no pattern of the sources takes more than linear time', async (t) => {
  const found = files.flatMap(({ name, text }) => patternsIn(text).map((literal) => ({ name, literal })));
  t.ok(found.length > 40, `${found.length} patterns`);
  for (const { name, literal } of found) {
    const milliseconds = await slowestMilliseconds(literal);
    t.ok(milliseconds < enoughMilliseconds, `${name}: ${literal} took ${milliseconds} ms`);
  }
});

t.test('and this would see one that did', async (t) => {
  for (const literal of ['/^Basic +([A-Za-z0-9+/]*={0,2}) *$/i', String.raw`/\s+$/`, '/^x(a|b)*b*$/']) {
    t.ok((await slowestMilliseconds(literal)) >= enoughMilliseconds, literal);
  }
});

t.test('patterns are literals, where this test finds them', async (t) => {
  const built = files.filter(({ text }) => text.includes('new RegExp('));
  t.same(
    built.map(({ name }) => name),
    ['oauth/uuid.ts'],
  );
});

t.test('text of the protocol meets no function that knows Unicode', async (t) => {
  const unicodeAware =
    /\.(?:trim|trimStart|trimEnd|toLowerCase|toUpperCase|normalize|localeCompare)\(|\\[sSwWbB]|[)\]/]\/[a-z]*i[a-z]*\b/;
  const wrong = files
    .filter(({ name }) => /^(?:http|oauth)\//.test(name) && !name.startsWith('http/openapi/'))
    .flatMap(({ name, text }) =>
      text.split('\n').map((line, index) => ({ at: `${name}:${index + 1}`, line })),
    )
    .filter(({ line }) => unicodeAware.test(line) && !/^\s*(?:\*|\/[/*]|import )/.test(line));
  t.same(
    wrong.map(({ at, line }) => `${at} ${line.trim()}`),
    [],
  );
});
