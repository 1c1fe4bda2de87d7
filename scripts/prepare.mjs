// What must be there before the server or the tests can run: packages, the Prisma client, compiled code.
// Each step is skipped when its result is up to date. Plain JavaScript, since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const generatedClient = 'src/storage/postgres/generated/client.ts';
const buildStamp = 'dist/.built';

const packageOfTool = { tsc: 'typescript', biome: '@biomejs/biome' };

/** Installs, generates and compiles what is missing or out of date. Exits with the step's code when one fails. */
export function prepare() {
  if (!packagesInstalled()) run('npm', ['ci', '--no-audit', '--no-fund']);
  if (!isNewer(generatedClient, ['prisma/schema.prisma', 'package-lock.json'])) generateClient();
  if (!isNewer(buildStamp, [...filesBelow('src'), 'tsconfig.json', 'package-lock.json'])) compile();
}

/** Prisma's generator asks for a schema engine to be there, and never starts it: any file will do, and nothing is downloaded. */
function generateClient() {
  runTool('prisma', ['generate', '--schema', 'prisma/schema.prisma', '--no-hints'], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    CHECKPOINT_DISABLE: '1',
  });
}

function compile() {
  runTool('tsc', ['-p', 'tsconfig.json']);
  runTool('tsc', ['-p', 'src/browser/tsconfig.json']);
  writeFileSync(join(root, buildStamp), '');
}

/** Whether what npm last installed is what the lock file asks for. */
function packagesInstalled() {
  const installedLock = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const installed = packagesOf(installedLock);
  const wanted = Object.entries(packagesOf(join(root, 'package-lock.json')));
  return wanted.every(([path, { version, optional }]) => {
    if (path === '') return true;
    return installed[path] ? installed[path].version === version : optional === true;
  });
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

function isNewer(result, sources) {
  const path = join(root, result);
  if (!existsSync(path)) return false;
  const builtAt = statSync(path).mtimeMs;
  return sources.every((source) => statSync(join(root, source)).mtimeMs <= builtAt);
}

function filesBelow(directory) {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** A command of an installed package. */
export function runTool(name, args, env = {}) {
  run(process.execPath, [join(root, 'node_modules', toolScript(name)), ...args], env);
}

/** A script of this project, in TypeScript. */
export function runScript(path, args) {
  run(process.execPath, ['--import=tsx', join(root, path), ...args]);
}

function toolScript(name) {
  const packageName = packageOfTool[name] ?? name;
  const { bin } = JSON.parse(readFileSync(join(root, 'node_modules', packageName, 'package.json'), 'utf8'));
  return join(packageName, typeof bin === 'string' ? bin : bin[name]);
}

/** Prints what it does to stderr, and the command's output only if it fails. */
function run(command, args, env = {}) {
  process.stderr.write(
    `${[command === process.execPath ? 'node' : command, ...args].join(' ').replace(`${root}/`, '')}\n`,
  );
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}`);
  process.exit(status ?? 1);
}

if (process.argv[1] === import.meta.filename) prepare();
