/** Keys under real processes: killed in the middle of a rotation, and rotating against each other. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { rotateKeys } from '../../src/admin/keys.js';
import { activeKey } from '../../src/keys/signing-key.js';
import { admin, fileStore, inState, openRing, temporaryDirectory } from './support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const compiled = t.testdirName;
const script = join(compiled, 'test/keys/rotating-process.js');

/** `env -u`, because the test runner hands its loaders down to every process. */
const plainNode: [command: string, ...args: string[]] = ['env', '-u', 'NODE_OPTIONS', process.execPath];

/** Compiled once: a hundred processes start three times faster so. */
t.before(async () => {
  const options = ['--target', 'ES2023', '--module', 'NodeNext', '--types', 'node', '--skipLibCheck'];
  const source = 'test/keys/rotating-process.ts';
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const [command, ...args] = [...plainNode, compiler, '--ignoreConfig', ...options, '--rootDir', '.'];
  await promisify(execFile)(command, [...args, '--outDir', compiled, source], { cwd: root });
});

t.after(() => rm(compiled, { recursive: true, force: true }));

/** Starts a process and waits until it only waits to begin. */
async function rotatingProcess(directory: string, count: string): Promise<ChildProcessWithoutNullStreams> {
  const [command, ...args] = plainNode;
  const child = spawn(command, [...args, script, directory, count]);
  await once(child.stdout, 'data');
  return child;
}

async function outcomesOf(child: ChildProcessWithoutNullStreams): Promise<string[]> {
  child.stdin.end('go\n');
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  return JSON.parse(output);
}

t.test('a writer that is held up at any point takes no key away on which others have built', async (t) => {
  const directory = await temporaryDirectory(t);
  await (await openRing(fileStore(directory))).close();
  const child = await rotatingProcess(directory, 'endless');
  child.stdin.write('go\n');
  for (let round = 0; round < 400; round += 1) {
    await sleep(Math.random() * 5);
    child.kill('SIGSTOP');
    const store = fileStore(directory);
    const { revision, keys } = await store.load();
    await store.commit({ expectedRevision: revision, keys, newPrivateKeys: new Map() });
    child.kill('SIGCONT');
  }
  child.kill('SIGKILL');
  await once(child, 'close');
  const { keys, privateKeys, problems } = await fileStore(directory).load();
  t.strictSame(problems, []);
  t.equal(privateKeys.size, keys.length);
});

t.test(
  'kill -9 at any point of a first start or a rotation leaves a usable key set, 100 times',
  async (t) => {
    const killAndCheck = async (run: number) => {
      const directory = await temporaryDirectory(t);
      if (run % 4 !== 0) await (await openRing(fileStore(directory))).close();
      const child = await rotatingProcess(directory, 'endless');
      child.stdin.write('go\n');
      await sleep(Math.random() * 40);
      child.kill('SIGKILL');
      await once(child, 'close');
      await assertUsable(t, directory);
    };
    const workers = Array.from({ length: 4 }, async (_, worker) => {
      for (let run = worker; run < 100; run += 4) await killAndCheck(run);
    });
    await Promise.all(workers);
  },
);

async function assertUsable(t: { ok(value: unknown): unknown }, directory: string): Promise<void> {
  const ring = await openRing(fileStore(directory));
  const token = await ring.signer().sign({});
  const { keys, problems } = await fileStore(directory).load();
  const next = inState(keys, 'next', Date.now());
  const rotated = await rotateKeys(admin(fileStore(directory)), { force: true });
  await ring.close();
  const sound = token !== '' && problems.length === 0 && activeKey(keys, Date.now()) && next.length === 1;
  t.ok(sound && rotated.outcome === 'rotated');
}

t.test('a hundred simultaneous rotations from two processes leave one active and one next key', async (t) => {
  const directory = await temporaryDirectory(t);
  const ring = await openRing(fileStore(directory));
  const before = await fileStore(directory).load();
  const children = await Promise.all([rotatingProcess(directory, '50'), rotatingProcess(directory, '50')]);
  const outcomes = (await Promise.all(children.map(outcomesOf))).flat();
  t.equal(outcomes.length, 100);
  const won = outcomes.filter((outcome) => outcome === 'rotated').length;
  t.equal(outcomes.filter((outcome) => outcome === 'conflict').length, 100 - won, 'every loser was told');
  const after = await fileStore(directory).load();
  t.equal(inState(after.keys, 'active', Date.now()).length, 1);
  t.equal(inState(after.keys, 'next', Date.now()).length, 1);
  t.equal(after.keys.length, before.keys.length + won);
  t.strictSame(after.problems, []);
  await ring.reload();
  t.equal(ring.signer().kid, activeKey(after.keys, Date.now())?.kid);
  await ring.close();
});

t.test('without force, of a hundred simultaneous rotations one happens', async (t) => {
  const directory = await temporaryDirectory(t);
  const earlier = () => Date.now() - 3_600_000;
  await (await openRing(fileStore(directory, earlier), { clock: earlier })).close();
  const rotations = Array.from({ length: 100 }, () => rotateKeys(admin(fileStore(directory)), {}));
  const outcomes = (await Promise.all(rotations)).map((result) => result.outcome);
  t.equal(outcomes.filter((outcome) => outcome === 'rotated').length, 1);
  t.ok(outcomes.every((outcome) => ['rotated', 'conflict', 'refused'].includes(outcome)));
  const { keys } = await fileStore(directory).load();
  t.equal(inState(keys, 'active', Date.now()).length, 1);
  t.equal(inState(keys, 'next', Date.now()).length, 1);
});
