/** The key set as verifiers see it, over HTTP, of servers with either home of the keys. */
import t from 'tap';
import { rotateKeys } from '../../src/admin/keys.js';
import { type RunningServer, startServer } from '../support/server.js';
import { needs } from '../support/services.js';
import { shortest } from '../support/undisturbed.js';
import { newEncryptionKey } from './database.js';
import { admin, eventually, publishedKids } from './support.js';

const path = '/.well-known/jwks.json';

async function jwks(url: string, init?: RequestInit): Promise<Response> {
  return fetch(`${url}${path}`, init);
}

async function rotateByForce(server: RunningServer): Promise<void> {
  const { outcome } = await rotateKeys(admin(server.first.server.storage.keys), { force: true });
  if (outcome !== 'rotated') throw new Error(`the rotation is ${outcome}`);
}

t.test('RFC 9110 §13.1.2: the key set is not sent again to whoever has it, until it changes', async (t) => {
  const server = await startServer(t);
  const first = await jwks(server.url);
  const etag = first.headers.get('etag') ?? '';
  t.match(first.headers.get('cache-control'), /^public, max-age=300$/);
  t.equal(first.headers.get('access-control-allow-origin'), '*');
  t.equal((await jwks(server.url, { headers: { 'if-none-match': etag } })).status, 304);
  const head = await jwks(server.url, { method: 'HEAD' });
  t.strictSame([head.status, await head.text(), head.headers.get('etag')], [200, '', etag]);
  const change = async () => {
    const { headers } = await jwks(server.url);
    await rotateByForce(server);
    const known = { 'if-none-match': headers.get('etag') ?? '' };
    await eventually(async () => (await jwks(server.url, { headers: known })).status === 200);
  };
  t.ok((await shortest(change, 2_000)) < 2_000);
});

t.test(
  'servers that share only a database publish one key set, and follow each other',
  needs('postgres'),
  async (t) => {
    const settings = { KEY_STORE: 'database', KEY_ENCRYPTION_KEY: newEncryptionKey() };
    const server = await startServer(t, { database: 'postgres', instances: 2, settings });
    const bodies = () => Promise.all(server.instances.map(async ({ url }) => (await jwks(url)).text()));
    const [one = '', other] = await bodies();
    t.equal(one, other);
    t.equal(publishedKids(one).length, 2);
    let published = 2;
    const change = async () => {
      await rotateByForce(server);
      published += 1;
      await eventually(async () =>
        (await bodies()).every((body) => publishedKids(body).length === published),
      );
    };
    t.ok((await shortest(change, 2_500)) < 2_500);
  },
);
