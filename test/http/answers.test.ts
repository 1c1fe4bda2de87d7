import fastify from 'fastify';
import t from 'tap';
import { registerErrors } from '../../src/http/errors.js';
import { sendRaw } from '../support/raw-http.js';
import { startServer } from '../support/server.js';

t.test('RFC 9110 §15.5.6: other methods of a path are told which it has', async (t) => {
  const server = await startServer(t);
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
    const answer = await server.send('/token', { method });
    t.equal(answer.status, 405, method);
    t.equal(answer.headers.get('allow'), 'POST, OPTIONS', method);
    t.equal(answer.body.error, 'invalid_request', method);
  }
  const refused = await server.send('/token', {
    method: 'PUT',
    body: 'x',
    headers: { 'content-type': 'text/odd' },
  });
  t.equal(refused.status, 405, 'whatever the body');
  const options = await server.send('/token', { method: 'OPTIONS' });
  t.equal(options.status, 204);
  t.equal(options.headers.get('allow'), 'POST, OPTIONS');
  const head = (path: string) => fetch(server.url + path, { method: 'HEAD' });
  t.equal((await head('/token')).status, 405);
  t.equal((await head('/.well-known/jwks.json')).status, 200, 'where there is GET, there is HEAD');
});

t.test('a path that does not exist is 404, with every method', async (t) => {
  const server = await startServer(t);
  for (const method of ['GET', 'POST', 'DELETE']) {
    const answer = await server.send('/nothing/here', { method });
    t.equal(answer.status, 404);
    t.equal(answer.body.error, 'invalid_request');
    t.equal(answer.headers.get('cache-control'), 'no-store');
  }
});

t.test('every answer carries the security headers', async (t) => {
  const server = await startServer(t);
  const answers = [
    await server.get('/health/live'),
    await server.get('/nothing'),
    await server.get('/%zz'),
    await server.get('/token'),
    await server.token({ grant_type: 'password' }),
    await server.get('/.well-known/oauth-authorization-server'),
    await server.get('/.well-known/jwks.json'),
    await server.get('/.well-known/jwks.json', { 'if-none-match': '*' }),
    await server.send('/.well-known/jwks.json', { method: 'POST' }),
    await server.send('/.well-known/jwks.json', { method: 'OPTIONS' }),
  ];
  for (const { headers } of answers) {
    t.equal(headers.get('x-content-type-options'), 'nosniff');
    t.equal(headers.get('referrer-policy'), 'no-referrer');
    t.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
    t.notOk(headers.has('strict-transport-security'), 'RFC 6797 §7.2: not over plain http');
    t.notOk(headers.has('x-powered-by'));
  }
});

t.test('the key set can be read from any page, other answers cannot', async (t) => {
  const server = await startServer(t);
  const policy = async (path: string) => (await server.get(path)).headers.get('cross-origin-resource-policy');
  t.equal(await policy('/.well-known/jwks.json'), 'cross-origin');
  t.equal(await policy('/.well-known/oauth-authorization-server'), 'cross-origin');
  t.equal(await policy('/token'), 'same-origin');
});

t.test('a page of any origin may ask for the key set with header fields of its own', async (t) => {
  const server = await startServer(t);
  for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server']) {
    const headers = { origin: 'https://anywhere.example', 'access-control-request-method': 'GET' };
    const preflight = await server.send(path, { method: 'OPTIONS', headers });
    t.equal(preflight.status, 204);
    t.equal(preflight.headers.get('access-control-allow-origin'), '*');
    t.equal(preflight.headers.get('access-control-allow-headers'), '*');
    t.equal(preflight.headers.get('access-control-allow-methods'), 'GET, HEAD');
    t.notOk(preflight.headers.has('access-control-allow-credentials'));
    const refused = await server.send(path, { method: 'DELETE' });
    t.equal(refused.status, 405);
    t.equal(refused.headers.get('allow'), 'GET, HEAD, OPTIONS');
  }
});

t.test('RFC 9110 §9.3.2: HEAD tells of the key set what GET sends', async (t) => {
  const { url, first } = await startServer(t);
  const ask = (method: string) =>
    sendRaw(url, `${method} /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const head = await ask('HEAD');
  const get = await ask('GET');
  t.equal(head.body, '');
  t.ok(JSON.parse(get.body).keys.length > 0);
  t.equal(get.headers.get('content-length'), String(get.body.length));
  for (const { headers } of [head, get]) headers.delete('date');
  t.same(head.headers, get.headers);
  const lines = first.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
  t.same(
    lines.map(({ method, status }) => [method, status]),
    [
      ['HEAD', 200],
      ['GET', 200],
    ],
  );
});

t.test('every request has a line in the log, and a failure another, with its own id', async (t) => {
  const server = await startServer(t);
  await server.database.prisma.$executeRawUnsafe('ALTER TABLE clients RENAME COLUMN grants TO gone');
  await server.get('/nothing');
  await server.token({ grant_type: 'client_credentials', client_id: 'a', client_secret: 'b' });
  const lines = server.first.log.map((line) => JSON.parse(line)).filter(({ request_id }) => request_id);
  const [notFound, failure, failed] = lines;
  t.equal(lines.length, 3);
  t.match(notFound, { msg: 'request', status: 404 });
  t.match(failure, { level: 50, code: 'server_error' });
  t.match(failed, { msg: 'request', status: 500, request_id: failure.request_id });
  t.not(notFound.request_id, failed.request_id);
});

t.test('RFC 6797: a server reached by https says so', async (t) => {
  const server = await startServer(t, { settings: { ISSUER: 'https://auth.example.test' } });
  const answer = await server.get('/health/live');
  t.match(answer.headers.get('strict-transport-security'), /^max-age=\d{8,}$/);
});

t.test('what goes wrong inside is 500 without a word about it', async (t) => {
  const server = await startServer(t);
  // A row that no statement of the server could have written.
  await server.database.prisma.$executeRawUnsafe('ALTER TABLE clients RENAME COLUMN grants TO gone');
  const answer = await server.token({ grant_type: 'client_credentials', client_id: 'a', client_secret: 'b' });
  t.equal(answer.status, 500);
  t.same(answer.body, { error: 'server_error' });
  t.equal(answer.headers.get('cache-control'), 'no-store');
  t.match(server.first.log.join(''), /"level":50.*gone|"level":50.*grants/s, 'the log knows');
});

t.test('whatever is thrown, and be it no error, is a 500 that tells nothing', async (t) => {
  const app = fastify();
  registerErrors(app);
  const thrown: unknown[] = [
    'text',
    null,
    undefined,
    42,
    { statusCode: 404, message: 'secret' },
    new Error('secret'),
  ];
  app.get<{ Params: { index: string } }>('/:index', async ({ params }) => {
    throw thrown[Number(params.index)];
  });
  for (const [index, what] of thrown.entries()) {
    const answer = await app.inject(`/${index}`);
    t.equal(answer.statusCode, 500, String(what));
    t.same(answer.json(), { error: 'server_error' }, String(what));
  }
  await app.close();
});
