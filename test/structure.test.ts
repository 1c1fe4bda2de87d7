/**
 * The arrows between the source folders run one way. Layers stand below from top to bottom: a file imports from its own
 * folder and from layers further down. What one layer shares sideways is said explicitly.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** From top to bottom. A name is a folder, or a file directly in src. */
const layers: string[][] = [
  ['cli'],
  ['main'],
  ['server'],
  ['demo', 'compose-admin'],
  ['http', 'storage'],
  ['environment'],
  ['config'],
  ['settings', 'logger', 'database-url'],
  ['admin'],
  ['grants', 'revocation', 'feed', 'keys'],
  ['clients', 'users', 'sessions', 'tokens'],
  ['counters', 'limits'],
  ['blocklist'],
  ['oauth'],
  ['clock', 'secrets', 'log', 'audit', 'version'],
];

/** Within one layer: who may import whom. */
const sideways = new Map([['tokens', ['clients']]]);

/** Libraries of their own: they import nothing of the server, nor the server of them. */
const libraries = ['verifier', 'browser'];

/** Packages that only some files may know. */
const packages: Record<string, RegExp> = {
  fastify: /^(http\/|server\.ts|verifier\/fastify\.ts)/,
  '@fastify/': /^http\//,
  '@prisma/': /^storage\/postgres\//,
  pg: /^storage\/postgres\//,
  '@electric-sql/pglite': /^storage\/postgres\//,
  'pglite-prisma-adapter': /^storage\/postgres\//,
  ioredis: /^storage\/(redis\/|open\.ts|status\.ts)/,
  argon2: /^users\/password-hasher\.ts/,
  pino: /^(main|server|logger|compose-admin)\.ts|^(cli|http)\//,
};

/** Only these touch the process they run in. */
const processFiles = /^(main\.ts|environment\.ts|cli\/)/;

interface Import {
  file: string;
  /** A path below src, or a package's name. */
  target: string;
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
  .sort();

const importForm =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s*'([^']+)'/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(importForm)].map(([, from, dynamic, bare]) => {
    const specifier = from ?? dynamic ?? bare ?? '';
    const isOwn = specifier.startsWith('.');
    const target = isOwn ? relative(source, join(source, dirname(file), specifier)) : specifier;
    return { file, target: isOwn ? target.replace(/\.js$/, '.ts') : target };
  });
}

const imports = files.flatMap(importsOf);
const internal = imports.filter(({ target }) => target.endsWith('.ts'));

/** `keys/signer.ts` is of `keys`, `clock.ts` of `clock`. */
function moduleOf(path: string): string {
  return path.split('/')[0]?.replace(/\.ts$/, '') ?? '';
}

function layerOf(module: string): number {
  return layers.findIndex((layer) => layer.includes(module));
}

function isAllowed(from: string, to: string): boolean {
  if (from === to || sideways.get(from)?.includes(to)) return true;
  return layerOf(from) < layerOf(to);
}

const describe = ({ file, target }: Import) => `${file} imports ${target}`;

t.test('every folder of src has its place in the layers', async (t) => {
  const unknown = new Set(
    files.map(moduleOf).filter((name) => layerOf(name) < 0 && !libraries.includes(name)),
  );
  t.same([...unknown], [], 'name it in the table of this test, and in the design');
});

t.test('imports point down', async (t) => {
  const server = internal.filter(({ file }) => !libraries.includes(moduleOf(file)));
  const wrong = server.filter(({ file, target }) => !isAllowed(moduleOf(file), moduleOf(target)));
  t.same(wrong.map(describe), []);
});

t.test('there are no cycles between folders', async (t) => {
  const edges = new Map<string, Set<string>>();
  for (const { file, target } of internal) {
    const [from, to] = [moduleOf(file), moduleOf(target)];
    if (from !== to) edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(edges.get(from) ?? [])].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      return reaches(next, to, seen.add(next));
    });
  t.same(
    [...edges.keys()].filter((name) => reaches(name, name)),
    [],
    'folders that reach themselves',
  );
});

t.test('the libraries stand alone', async (t) => {
  const crossing = internal.filter(({ file, target }) => {
    const [from, to] = [moduleOf(file), moduleOf(target)];
    return from !== to && (libraries.includes(from) || libraries.includes(to));
  });
  t.same(crossing.map(describe), []);
  const allowed = /^(jose|node:|fastify$|express$)/;
  const foreign = imports.filter(
    ({ file, target }) => moduleOf(file) === 'verifier' && !target.endsWith('.ts') && !allowed.test(target),
  );
  t.same(foreign.map(describe), [], 'the verifier needs jose alone');
  const browser = imports.filter(
    ({ file, target }) => moduleOf(file) === 'browser' && !target.endsWith('.ts'),
  );
  t.same(browser.map(describe), [], 'the browser library needs nothing');
});

t.test('grants do not import each other', async (t) => {
  const grants = new Set(
    ['password.ts', 'client-credentials.ts', 'refresh-token.ts'].map((name) => `grants/${name}`),
  );
  const wrong = internal.filter(({ file, target }) => grants.has(file) && grants.has(target));
  t.same(wrong.map(describe), []);
});

for (const [name, allowed] of Object.entries(packages)) {
  t.test(`${name} is known to ${allowed.source} only`, async (t) => {
    const isOf = (target: string) =>
      target === name || target.startsWith(name.endsWith('/') ? name : `${name}/`);
    const wrong = imports.filter(({ file, target }) => isOf(target) && !allowed.test(file));
    t.same(wrong.map(describe), []);
  });
}

t.test('only the programs themselves read the environment or exit', async (t) => {
  const wrong = files.filter(
    (file) =>
      !processFiles.test(file) &&
      /\bprocess\.(env|exit|argv)\b/.test(readFileSync(join(source, file), 'utf8')),
  );
  t.same(wrong, []);
});

t.test(
  'nobody but the clock and the secrets make time and randomness, where they decide something',
  async (t) => {
    const domain = /^(oauth|clients|users|sessions|tokens|grants|revocation|blocklist|keys|admin)\//;
    const wrong = files.filter(
      (file) =>
        domain.test(file) &&
        /\bDate\.now\(\)|\bnew Date\(\)|\bMath\.random\(|\bcrypto\.random/.test(
          readFileSync(join(source, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''),
        ),
    );
    t.same(wrong, []);
  },
);
