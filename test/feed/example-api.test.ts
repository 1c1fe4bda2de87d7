// The example API next to a real server: permissions, and a revoked token refused at once.
import { join, resolve } from 'node:path';
import t from 'tap';
import { seedUser } from '../support/seed.js';
import { claimsOf } from '../support/world.js';
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
