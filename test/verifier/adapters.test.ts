import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { guard as expressGuard } from '../../src/verifier/express.js';
import { guard as fastifyGuard } from '../../src/verifier/fastify.js';
import type { Verifier } from '../../src/verifier/index.js';
import { setUp } from './harness.js';

type Get = (path: string, authorization?: string) => Promise<Response>;

function getter(origin: string): Get {
  return (path, authorization) =>
    fetch(`${origin}${path}`, { headers: authorization ? { authorization } : {} });
}

async function fastifyApp(t: Test, verifier: Verifier): Promise<Get> {
  const app = Fastify();
  const answer = async (request: { accessToken?: { sub: string } }) => ({
    sub: request.accessToken?.sub ?? null,
  });
  app.get('/mine', { onRequest: fastifyGuard(verifier, { permissions: ['books:read'] }) }, answer);
  app.get('/open', { onRequest: fastifyGuard(verifier, { optional: true }) }, answer);
  t.teardown(() => app.close());
  return getter(await app.listen({ port: 0, host: '127.0.0.1' }));
}

async function expressApp(t: Test, verifier: Verifier): Promise<Get> {
  const app = express();
  app.get('/mine', expressGuard(verifier, { permissions: ['books:read'] }), (request, response) => {
    response.json({ sub: request.accessToken?.sub ?? null });
  });
  app.get('/open', expressGuard(verifier, { optional: true }), (request, response) => {
    response.json({ sub: request.accessToken?.sub ?? null });
  });
  const server = app.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return getter(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

for (const [name, start] of Object.entries({ Fastify: fastifyApp, Express: expressApp })) {
  t.test(`${name}: guards a route, and answers by RFC 6750 §3`, async (t) => {
    const { server, verifier } = await setUp(t);
    const get = await start(t, verifier);
    const good = `Bearer ${await server.token({ permissions: ['books:read'] })}`;
    t.strictSame(await (await get('/mine', good)).json(), { sub: 'user-1' });

    const missing = await get('/mine');
    t.equal(missing.status, 401);
    t.equal(missing.headers.get('www-authenticate'), 'Bearer realm="urn:example:books"');

    const bad = await get('/mine', `${good}AAAA`);
    t.equal(bad.status, 401);
    t.match(bad.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
    t.match(await bad.json(), { error: 'invalid_token', error_description: String });

    const lacking = await get('/mine', `Bearer ${await server.token()}`);
    t.equal(lacking.status, 403);
    t.match(await lacking.json(), { error: 'insufficient_scope' });
  });

  t.test(`${name}: optional lets nobody in as nobody, and a bad token not at all`, async (t) => {
    const { server, verifier } = await setUp(t);
    const get = await start(t, verifier);
    t.strictSame(await (await get('/open')).json(), { sub: null });
    t.strictSame(await (await get('/open', `Bearer ${await server.token()}`)).json(), { sub: 'user-1' });
    t.equal((await get('/open', 'Bearer abc')).status, 401);
    t.equal((await get('/open', 'Bearer')).status, 400);
  });

  t.test(`${name}: a verifier that cannot decide answers 503 with Retry-After`, async (t) => {
    const { server, verifier } = await setUp(t);
    const get = await start(t, verifier);
    const token = await server.token({ permissions: ['books:read'] });
    await server.stop();
    const answer = await get('/mine', `Bearer ${token}`);
    t.equal(answer.status, 503);
    t.equal(answer.headers.get('retry-after'), '1');
    t.equal(answer.headers.get('www-authenticate'), null);
    t.match(await answer.json(), { error: 'temporarily_unavailable' });
  });
}
