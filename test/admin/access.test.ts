import t from 'tap';
import { operations } from '../../src/admin/operations.js';
import { adminApi } from '../support/admin.js';
import { basic } from '../support/http-client.js';
import { seedClient, seedUser } from '../support/seed.js';
import { claimsOf, startWorld } from '../support/world.js';

t.test('who may administer', async (t) => {
  const world = await startWorld(t);
  const { server } = world;
  const asking = (authorization: string) => server.get('/admin/users', { authorization });

  t.test('RFC 6750 §3.1: a request without a token is told the scheme, and no error code', async (t) => {
    for (const answer of [await server.get('/admin/users'), await asking('Basic YTpi')]) {
      t.equal(answer.status, 401);
      t.equal(answer.headers.get('www-authenticate'), 'Bearer realm="keyturn"');
    }
  });

  t.test('RFC 6750 §3.1: invalid_token for what is no valid access token, or was revoked', async (t) => {
    const { body: tokens } = await world.login();
    await world.revoke(tokens.access_token);
    for (const token of ['nonsense', 'a b', tokens.refresh_token, tokens.access_token]) {
      const answer = await asking(`Bearer ${token}`);
      t.match(answer, { status: 401, body: { error: 'invalid_token' } });
      t.match(answer.headers.get('www-authenticate'), 'error="invalid_token"');
    }
  });

  t.test('RFC 6750 §3.1: insufficient_scope without keyturn:admin, before the body is read', async (t) => {
    const { body } = await server.token({ grant_type: 'client_credentials' }, world.serviceHeaders);
    const headers = { authorization: `Bearer ${body.access_token}`, 'content-type': 'text/plain' };
    const answer = await server.send('/admin/users', { method: 'POST', headers, body: 'x' });
    t.match(answer, { status: 403, body: { error: 'insufficient_scope' } });
  });

  t.test('a user needs the permission as well as a client that has the scope', async (t) => {
    const client = await seedClient(server.database, { scope: ['keyturn:admin', 'read'] });
    const plain = await seedUser(server.database);
    const chief = await seedUser(server.database, { permissions: ['keyturn:admin'] });
    const statuses = [];
    for (const { email, password } of [plain, chief]) {
      const login = { grant_type: 'password', username: email, password, client_id: client.id };
      const { body } = await server.token({ ...login, scope: 'keyturn:admin' });
      statuses.push(body.error ?? (await asking(`Bearer ${body.access_token}`)).status);
    }
    t.same(statuses, ['invalid_scope', 200]);
  });

  t.test('the audit log has who did it', async (t) => {
    const admin = await adminApi(server);
    const client = await seedClient(server.database, { type: 'confidential', scope: ['keyturn:admin'] });
    const { body: login } = await server.token(
      { grant_type: 'client_credentials', scope: 'keyturn:admin' },
      basic(client.id, client.secret),
    );
    await server.send(`/admin/users/${world.user.id}/disable`, {
      method: 'POST',
      headers: { authorization: `Bearer ${login.access_token}` },
    });
    const { body } = await admin('GET', `/audit?type=user_disabled&user=${world.user.id}`);
    t.match(body.events, [{ actor: client.id, user_id: world.user.id, detail: { ended_sessions: Number } }]);
    t.equal(claimsOf(login.access_token).sub, client.id);
  });

  t.test('the audit log filters and pages, newest first', async (t) => {
    const admin = await adminApi(server);
    const { body: first } = await admin('GET', '/audit?limit=2');
    const { body: rest } = await admin('GET', `/audit?after=${first.next_cursor}`);
    const ids = [first, rest].flatMap(({ events }) =>
      (events as { id: string }[]).map(({ id }) => Number(id)),
    );
    t.same(
      ids,
      [...new Set(ids)].sort((a, b) => b - a),
    );
    t.same((await admin('GET', '/audit?since=2999-01-01')).body.events, []);
    t.equal((await admin('GET', '/audit?since=yesterday')).status, 400);
    t.equal((await admin('GET', '/audit?after=x')).status, 400);
  });

  t.test(
    'every answer is JSON and must not be stored; unknown paths and methods keep their shape',
    async (t) => {
      const admin = await adminApi(server);
      const answers = [
        await admin('GET', '/users'),
        await admin('GET', '/status'),
        await admin('GET', '/nothing'),
        await admin('PUT', '/users'),
        await admin('POST', '/users', []),
      ];
      t.same(
        answers.map(({ status }) => status),
        [200, 200, 404, 405, 400],
      );
      for (const { headers } of answers) {
        t.match(headers.get('content-type'), 'application/json');
        t.equal(headers.get('cache-control'), 'no-store');
      }
    },
  );

  t.test('operations that are local are not on the port', async (t) => {
    const admin = await adminApi(server);
    const local = operations.filter((operation) => operation.local);
    t.ok(local.length > 0);
    for (const { method, path } of local) t.equal((await admin(method, path, {})).status, 404);
  });
});
