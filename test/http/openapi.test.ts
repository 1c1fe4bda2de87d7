import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { Check } from 'typebox/value';
import { adminApi } from '../support/admin.js';
import { startServer } from '../support/server.js';
import { startWorld } from '../support/world.js';

interface Operation {
  operationId: string;
  summary: string;
  security: object[];
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

interface Document {
  openapi: string;
  info: { version: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
}

t.test('/openapi.json', async (t) => {
  const server = await startServer(t);
  const answer = await server.get('/openapi.json');
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('access-control-allow-origin'), '*');
  t.equal(
    (await server.get('/openapi.json', { 'if-none-match': answer.headers.get('etag') ?? '' })).status,
    304,
  );
  const document = answer.body as unknown as Document;
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      route: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );

  t.test('is valid OpenAPI 3.1 for this issuer', async (t) => {
    const { valid, errors } = await new Validator().validate(JSON.parse(answer.text));
    t.ok(valid, JSON.stringify(errors));
    t.equal(document.openapi, '3.1.0');
    t.match(document.servers, [{ url: server.url }]);
  });

  t.test('describes every path, and no other', async (t) => {
    const { app } = server.first.server;
    const mounted = pathsIn(app.printRoutes({ commonPrefix: false, method: 'OPTIONS' }));
    t.same(Object.keys(document.paths).sort(), mounted.sort());
  });

  t.test('describes the methods of each path, and no other', async (t) => {
    for (const [path, operations] of Object.entries(document.paths)) {
      const options = await server.send(path.replace(/{\w+}/g, 'x'), { method: 'OPTIONS' });
      const allowed = new Set(options.headers.get('allow')?.split(', '));
      allowed.delete('OPTIONS');
      allowed.delete('HEAD');
      const methods = Object.keys(operations).map((method) => method.toUpperCase());
      t.same(new Set(methods), allowed, path);
    }
  });

  t.test('says of each what it does, how it answers, and who may ask', async (t) => {
    const ids = described.map(({ operation }) => operation.operationId);
    t.equal(new Set(ids).size, ids.length, 'ids are unique');
    for (const { route, operation } of described) {
      t.ok(operation.summary.length > 5, route);
      t.ok(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        route,
      );
      const isPublic = !/\/(admin|sessions|token|revo|introspect)/.test(route);
      t.equal(operation.security.length === 0, isPublic, route);
    }
  });
});

t.test('admin operations answer as it says, and nothing more', async (t) => {
  const world = await startWorld(t);
  const { paths } = (await world.server.get('/openapi.json')).body as unknown as Document;
  const admin = await adminApi(world.server);
  await world.login();
  const session = (await admin('GET', '/sessions')).body.sessions as { id: string }[];
  const { kid } = ((await admin('GET', '/keys')).body.keys as { kid: string; state: string }[]).find(
    ({ state }) => state === 'next',
  ) ?? { kid: '?' };
  const client = { client_id: 'c', type: 'confidential', grants: ['client_credentials'] };
  const user = { email: 'someone@example.test', password: 'correct horse battery staple' };
  const calls: [route: string, path: string, body?: object][] = [
    ['POST /users', '/users', { ...user, claims: { tier: 1 }, roles: ['r'] }],
    ['GET /users', '/users?limit=1'],
    ['GET /users/{user}', `/users/${user.email}`],
    ['PATCH /users/{user}', `/users/${user.email}`, { username: 'someone', org_id: 'o' }],
    ['POST /users/{user}/set-password', `/users/${user.email}/set-password`, { password: user.password }],
    ['POST /users/{user}/disable', `/users/${user.email}/disable`],
    ['POST /users/{user}/enable', `/users/${user.email}/enable`],
    ['POST /users/{user}/revoke-sessions', `/users/${user.email}/revoke-sessions`],
    ['DELETE /users/{user}', `/users/${user.email}`],
    ['POST /clients', '/clients', client],
    ['GET /clients', '/clients'],
    ['GET /clients/{client}', '/clients/c'],
    ['PATCH /clients/{client}', '/clients/c', { scope: 'a b' }],
    ['POST /clients/{client}/rotate-secret', '/clients/c/rotate-secret'],
    ['POST /clients/{client}/disable', '/clients/c/disable'],
    ['POST /clients/{client}/enable', '/clients/c/enable'],
    ['DELETE /clients/{client}', '/clients/c'],
    ['GET /sessions', '/sessions?active=true'],
    ['GET /sessions/{session}', `/sessions/${session[0]?.id}`],
    ['POST /sessions/{session}/revoke', `/sessions/${session[0]?.id}/revoke`],
    ['GET /audit', '/audit'],
    ['GET /status', '/status'],
    ['GET /keys', '/keys'],
    ['GET /keys/check', '/keys/check'],
    ['POST /keys/rotate', '/keys/rotate', { force: true, dry_run: true }],
    ['POST /keys/{kid}/revoke', `/keys/${kid}/revoke`],
    ['POST /keys/revoke-all', '/keys/revoke-all', { dry_run: true }],
  ];
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.same(
    calls.map(([route]) => route.replace(' ', ' /admin')).sort(),
    described.filter((route) => route.includes('/admin')).sort(),
  );
  for (const [route, path, body] of calls) {
    const [method = '', pattern = ''] = route.split(' ');
    const responses = paths[`/admin${pattern}`]?.[method.toLowerCase()]?.responses;
    const answer = await admin(method, path, body);
    const schema = responses?.[answer.status]?.content?.['application/json']?.schema;
    if (!schema) t.fail(`${route} answers ${answer.status}: ${answer.text}`);
    else t.same([Check(schema, answer.body), undescribed(schema, answer.body)], [true, []], route);
  }
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** Members that a value has, and its schema does not. A schema without any says nothing of them. */
function undescribed(schema: Schema, value: unknown, at = ''): string[] {
  const { properties, items, anyOf = [] } = schema;
  if (Array.isArray(value)) return value.flatMap((item) => (items ? undescribed(items, item, at) : []));
  if (typeof value !== 'object' || value === null) return [];
  const known = properties ?? anyOf.find((option) => option.properties)?.properties;
  if (!known) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const path = `${at}.${name}`;
    return known[name] ? undescribed(known[name], member, path) : [path];
  });
}

/** Every path that is mounted answers OPTIONS, but for the pages of the documentation. The tree is indented by fours. */
function pathsIn(tree: string): string[] {
  const parents: string[] = [];
  const paths = tree.split('\n').flatMap((line) => {
    const [, indent = '', part] = /^(.*?)(\/\S+|\*) \(/.exec(line) ?? [];
    if (part === undefined) return [];
    const depth = indent.length / 4 - 1;
    parents.length = depth;
    parents[depth] = `${parents[depth - 1] ?? ''}${part}`;
    return [parents[depth]];
  });
  return paths.filter((path) => path !== '*').map((path) => path.replace(/:(\w+)/g, '{$1}'));
}

t.test('/docs shows it, with nothing from elsewhere', async (t) => {
  const server = await startServer(t);
  const page = await server.get('/docs');
  t.equal(page.status, 200);
  t.match(page.headers.get('content-type'), /^text\/html/);
  t.notMatch(page.text, /(src|href)="(https?:)?\/\//);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'; script-src 'self'/);
  for (const [, asset] of page.text.matchAll(/(?:src|href)="\.?\/?([^"]+)"/g)) {
    const path = asset?.startsWith('docs/') ? `/${asset}` : `/docs/${asset?.replace(/^docs\//, '')}`;
    t.equal((await server.get(path)).status, 200, path);
  }
});
