import fastify from 'fastify';
import t from 'tap';
import { allowRegisteredOrigins } from '../../src/http/cors.js';

const registered = 'https://shop.example';

async function build() {
  const app = fastify();
  await allowRegisteredOrigins(app, async (origin) => [registered, 'null'].includes(origin));
  app.post('/token', async () => ({}));
  return app;
}

function preflight(origin: string) {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'keyturn-request',
  };
  return { method: 'OPTIONS', url: '/token', headers } as const;
}

t.test('a registered origin may read answers with credentials', async (t) => {
  const { headers } = await (await build()).inject({
    method: 'POST',
    url: '/token',
    headers: { origin: registered },
  });
  t.equal(headers['access-control-allow-origin'], registered);
  t.equal(headers['access-control-allow-credentials'], 'true');
  t.match(headers['access-control-expose-headers'], /Retry-After/);
  t.match(headers.vary, /Origin/);
});

t.test('any other origin gets no permission, and caches are told that it depends', async (t) => {
  const app = await build();
  for (const origin of [
    'https://evil.test',
    'null',
    'https://shop.example.evil.test',
    'http://shop.example',
  ]) {
    const { headers } = await app.inject({ method: 'POST', url: '/token', headers: { origin } });
    t.notOk(headers['access-control-allow-origin'], origin);
    t.notOk(headers['access-control-allow-credentials'], origin);
    t.match(headers.vary, /Origin/);
    t.notOk((await app.inject(preflight(origin))).headers['access-control-allow-origin'], origin);
  }
});

t.test('a preflight of a registered origin names what may be sent', async (t) => {
  const { statusCode, headers } = await (await build()).inject(preflight(registered));
  t.equal(statusCode, 204);
  t.equal(headers['access-control-allow-origin'], registered);
  t.match(headers['access-control-allow-headers'], /Keyturn-Request/);
  t.match(headers['access-control-allow-methods'], /POST/);
});
