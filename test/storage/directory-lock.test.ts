/** Only one process may open an embedded database: the others are told so, and a dead one leaves nothing behind. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { until } from '../support/leash.js';
import { freePort } from '../support/ports.js';
import { seedUser, withDatabase } from '../support/seed.js';
import { temporaryDirectory } from '../support/server.js';
import { prepareServerProcess, ServerProcess } from '../support/server-process.js';

const contender = fileURLToPath(new URL('lock-contender.ts', import.meta.url));

t.test('a second server on the same DATA_DIR is refused, and says why', async (t) => {
  const first = await prepareServerProcess(t);
  await first.start();
  const second = new ServerProcess({ ...first.settings, PORT: String(await freePort()) });
  const launched = await second.launch();
  await launched.exited();
  t.not(launched.exitCode, 0);
  t.match(launched.output, /is in use by another keyturn process/);
  t.ok(launched.output.includes(first.settings.DATA_DIR ?? '?'), 'the message names the directory');
  t.equal((await first.get('/health/ready')).status, 200, 'the first goes on');

  await first.kill();
  await second.start();
  t.equal((await second.get('/health/ready')).status, 200, 'after kill -9 the directory is free at once');
  await second.stop();
});

t.test('a server waits for a command that has DATA_DIR open', async (t) => {
  const server = await prepareServerProcess(t);
  const command = fork(contender, [server.settings.DATA_DIR ?? '?', '1'], { stdio: 'pipe' });
  t.teardown(() => command.kill('SIGKILL'));
  t.same(await once(command, 'message').then(([outcomes]) => outcomes), ['locked']);
  const launched = await server.launch();
  await until(
    () => launched.output.includes('waiting'),
    30_000,
    () => `does not wait:\n${launched.output}`,
  );
  command.kill('SIGKILL');
  await until(
    async () => (await server.get('/health/ready').catch(() => undefined))?.status === 200,
    30_000,
    () => `is not ready:\n${launched.output}`,
  );
  t.equal(launched.exitCode, null);
});

t.test('what was committed before kill -9 is there after it', async (t) => {
  const server = await prepareServerProcess(t);
  const user = await withDatabase(server.settings, (database) => seedUser(database));
  await server.start();
  await server.kill();
  const users = await withDatabase(server.settings, (database) => database.prisma.user.findMany());
  t.same(
    users.map(({ id }) => id),
    [user.id],
  );
});

t.test('of 20 that start at once, one gets the directory', async (t) => {
  const directory = join(temporaryDirectory(t), 'data');
  for (let round = 0; round < 4; round += 1) {
    const title = round === 0 ? 'at the first start' : 'over the lock of a dead process';
    const children = Array.from({ length: 4 }, () => fork(contender, [directory, '5'], { stdio: 'pipe' }));
    const verdicts = await Promise.all(
      children.map(async (child) => {
        const [outcomes] = await once(child, 'message');
        return outcomes as string[];
      }),
    );
    const outcomes = verdicts.flat();
    t.equal(outcomes.filter((outcome) => outcome === 'locked').length, 1, title);
    t.equal(outcomes.filter((outcome) => outcome === 'DirectoryInUse').length, 19, title);
    for (const child of children) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});
