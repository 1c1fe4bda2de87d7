// The libraries as their users get them: packed, installed elsewhere, and used.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { AUDIENCE, FakeServer } from './fake-server.js';

const root = resolve(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'keyturn-package-'));
t.teardown(() => rmSync(work, { recursive: true, force: true }));

// `env -u`: the test runner adds its own loaders to NODE_OPTIONS of every process that is spawned.
const run = (command: string, args: string[], cwd: string) =>
  promisify(execFile)('env', ['-u', 'NODE_OPTIONS', command, ...args], { cwd }).then(({ stdout }) => stdout);
const tsc = join(root, 'node_modules/typescript/bin/tsc');

async function compile(): Promise<string> {
  const dist = join(work, 'dist');
  const tsconfig = join(work, 'tsconfig.json');
  const options = {
    rootDir: join(root, 'src'),
    outDir: dist,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: options,
    include: [join(root, 'src/verifier')],
  };
  writeFileSync(tsconfig, JSON.stringify(config));
  await run(process.execPath, [tsc, '-p', tsconfig], root);
  await run(
    process.execPath,
    [tsc, '-p', join(root, 'src/browser'), '--outDir', join(dist, 'browser')],
    root,
  );
  return dist;
}

/** `npm pack`: the tarball's path. */
async function pack(folder: string): Promise<string> {
  const [packed] = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', work], folder));
  return join(work, packed.filename);
}

/** A project with nothing but the packed library and, from this checkout, its one dependency. */
async function install(verifierTarball: string): Promise<string> {
  const project = mkdtempSync(join(work, 'project-'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const joseTarball = await pack(join(root, 'node_modules/jose'));
  await run(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', joseTarball, verifierTarball],
    project,
  );
  return project;
}

const dist = await compile();
await run(process.execPath, [join(root, 'scripts/pack-libraries.mjs'), '--dist', dist], root);
const project = await install(await pack(join(dist, 'packages/verifier')));

t.test('The packed verifier installs with jose alone', async (t) => {
  const modules = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  t.strictSame(modules.sort(), ['@keyturn', 'jose']);
  const folder = join(project, 'node_modules/@keyturn/verifier');
  for (const file of ['README.md', 'LICENSE', 'index.d.ts']) t.ok(existsSync(join(folder, file)), file);
  t.strictSame(Object.keys(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies), [
    'jose',
  ]);
});

t.test('No file of the packed verifier imports anything but jose, Node.js and its own files', async (t) => {
  const folder = join(project, 'node_modules/@keyturn/verifier');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  );
  t.ok(files.length > 10);
  for (const file of files) {
    const imported = readFileSync(join(folder, file), 'utf8').matchAll(/from '([^']+)'/g);
    for (const [, source = ''] of imported)
      t.match(source, /^(jose$|node:|\.\.?\/(?!\.\.\/\.\.))/, `${file}: ${source}`);
  }
});

t.test('The packed verifier verifies a token, and its adapters load without their frameworks', async (t) => {
  const server = await FakeServer.start();
  t.teardown(() => server.stop());
  const script = `
    import { createVerifier } from '@keyturn/verifier';
    import { guard as fastify } from '@keyturn/verifier/fastify';
    import { guard as express } from '@keyturn/verifier/express';
    const [issuer, audience, token] = process.argv.slice(2);
    const verifier = createVerifier({ issuer, audience, revocations: { follow: 'off' } });
    const { sub } = await verifier.verify(token);
    console.log(sub, typeof fastify(verifier), typeof express(verifier));`;
  writeFileSync(join(project, 'use.mjs'), script);
  const args = ['use.mjs', server.issuer, AUDIENCE, await server.token()];
  t.equal((await run(process.execPath, args, project)).trim(), 'user-1 function function');
});

t.test('The packed types are enough for a strict compiler without Node.js types', async (t) => {
  writeFileSync(
    join(project, 'use.ts'),
    `import { createVerifier, type AccessTokenClaims, VerifierError } from '@keyturn/verifier';
    const verifier = createVerifier({ issuer: 'https://a.example', audience: 'a', revocations: { follow: 'off' } });
    export const claims: Promise<AccessTokenClaims> = verifier.verify('x', { scopes: ['a'] });
    export const isOurs = (error: unknown): boolean => error instanceof VerifierError && error.code === 'token_revoked';
    // @ts-expect-error onStale has no default
    createVerifier({ issuer: 'https://a.example', audience: 'a', revocations: { follow: 'poll', clientId: 'a', clientSecret: 'b', maxStalenessSeconds: 1 } });`,
  );
  const options = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom'],
    types: [],
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['use.ts'] }),
  );
  await t.resolves(run(process.execPath, [tsc, '-p', project], project));
});

t.test('The browser library packs too', async (t) => {
  const tarball = await pack(join(dist, 'packages/browser'));
  const target = mkdtempSync(join(work, 'browser-'));
  cpSync(tarball, join(target, 'browser.tgz'));
  await run('tar', ['xf', 'browser.tgz'], target);
  const manifest = JSON.parse(readFileSync(join(target, 'package/package.json'), 'utf8'));
  t.equal(manifest.name, '@keyturn/browser');
  t.equal(manifest.dependencies, undefined);
  t.ok(existsSync(join(target, 'package/index.js')));
  t.ok(existsSync(join(target, 'package/index.d.ts')));
});
