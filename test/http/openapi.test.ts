import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { startServer } from '../support/server.js';

interface Operation {
  operationId: string;
  summary: string;
  security?: object[];
  responses: Record<string, object>;
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
      if (/\/(admin|sessions|token|revo|introspect)/.test(route)) t.ok(operation.security?.length, route);
    }
  });
});

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
