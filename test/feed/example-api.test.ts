// The example API next to a real server: permissions, and a revoked token refused at once.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { freePort } from '../support/ports.js';
import { seedUser } from '../support/seed.js';
import { temporaryDirectory } from '../support/server.js';
import { claimsOf, startWorld } from '../support/world.js';
import { until } from '../verifier/harness.js';
import { startFeedWorld } from './support.js';

const folder = resolve(import.meta.dirname, '../../examples/api');

t.test(
  'examples/api: list, create, read, update and delete need permissions; a revoked token is refused',
  async (t) => {
    const feed = await startFeedWorld(t);
    const { world } = feed;
    const { createVerifier } = await import(join(folder, '../../dist/verifier/index.js'));
    const { buildApp } = await import(join(folder, 'app.mjs'));
    const verifier = createVerifier({
      issuer: feed.issuer,
      audience: 'urn:keyturn:api',
      revocations: {
        follow: 'stream',
        maxStalenessSeconds: 10,
        onStale: 'reject',
        clientId: feed.reader.id,
        clientSecret: feed.reader.secret,
      },
    });
    const app = buildApp(verifier);
    t.teardown(async () => {
      await app.close();
      await verifier.close();
    });
    const login = async (permissions: string[]) => {
      const { email, password } = await seedUser(world.server.database, { permissions });
      return (await world.login({ username: email, password })).body.access_token;
    };
    const ask = async (token: string, method: string, url: string, payload?: object) => {
      const headers = { authorization: `Bearer ${token}` };
      const { statusCode, body } = await app.inject({ method, url, headers, payload });
      return { status: statusCode, body: body && JSON.parse(body) };
    };

    const librarian = await login(['books:read', 'books:write', 'books:delete']);
    const reader = await login(['books:read']);
    const emma = { title: 'Emma', author: 'Jane Austen' };
    const { status, body: book } = await ask(librarian, 'POST', '/books', emma);
    t.equal(status, 201);
    t.match(book, { ...emma, added_by: claimsOf(librarian).sub });
    t.strictSame((await ask(reader, 'GET', '/books')).body, { books: [book] });
    t.strictSame((await ask(reader, 'GET', `/books/${book.id}`)).body, book);
    t.equal((await ask(reader, 'POST', '/books', emma)).status, 403);
    t.equal((await ask(reader, 'DELETE', `/books/${book.id}`)).status, 403);
    t.equal((await ask(librarian, 'POST', '/books', { title: '' })).status, 400);
    const changed = await ask(librarian, 'PUT', `/books/${book.id}`, { ...emma, title: 'Persuasion' });
    t.equal(changed.body.title, 'Persuasion');
    t.equal((await ask(librarian, 'DELETE', `/books/${book.id}`)).status, 204);
    t.equal((await ask(librarian, 'GET', `/books/${book.id}`)).status, 404);
    t.equal((await app.inject({ url: '/books' })).statusCode, 401);

    await world.revoke(reader);
    await until(async () => (await ask(reader, 'GET', '/books')).status === 401);
    t.equal((await ask(librarian, 'GET', '/books')).status, 200);
  },
);

t.test('npm run example:api follows PORT and .env, and does not talk to a stranger', async (t) => {
  const { server } = await startWorld(t);
  const { DATA_DIR = '', KEYS_DIR = '', PORT = '', ISSUER = '' } = server.settings;
  const directory = temporaryDirectory(t);
  const start = (settings: string[]) => {
    writeFileSync(join(directory, '.env'), settings.join('\n'));
    const env = { PATH: process.env.PATH, API_PORT: '0' };
    const child = spawn(process.execPath, [join(folder, 'main.mjs')], { cwd: directory, env });
    t.teardown(() => child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    return { child, output: () => output };
  };
  const own = start([`PORT=${PORT}`, `ISSUER=${ISSUER}`, `DATA_DIR=${DATA_DIR}`, `KEYS_DIR=${KEYS_DIR}`]);
  await until(() => /-d token=\$TOKEN/.test(own.output()) || own.child.exitCode !== null);
  t.match(own.output(), `${ISSUER}/token`);
  own.child.kill('SIGTERM');
  await until(() => own.child.exitCode !== null || own.child.signalCode !== null);

  for (const [issuer, reason] of [
    [`http://localhost:${PORT}`, 'Another server answers'],
    [`http://127.0.0.1:${await freePort()}`, 'No server answers'],
  ]) {
    const lost = start([`ISSUER=${issuer}`, `DATA_DIR=${DATA_DIR}`, `KEYS_DIR=${KEYS_DIR}`]);
    await until(() => lost.child.exitCode !== null);
    t.equal(lost.child.exitCode, 1);
    t.match(lost.output(), `${reason} on ${issuer}`);
  }
});
