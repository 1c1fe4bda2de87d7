/** `/openapi.json`, and `/docs`: the same, to read and try. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const maxAgeSeconds = 300;

/** A page with scripts and styles of its own, and nothing from elsewhere. Its styles are partly inline. */
const pageSecurity = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** Readable from any page, as other tools to read it with may be. */
export function registerOpenApi(app: FastifyInstance, document: string): void {
  app.get('/openapi.json', { config: { cors: false } }, (_request, reply) => {
    reply
      .header('cache-control', `public, max-age=${maxAgeSeconds}`)
      .header('access-control-allow-origin', '*')
      .header('cross-origin-resource-policy', 'cross-origin')
      .type('application/json; charset=utf-8')
      .send(document);
  });
}

export async function registerDocs(app: FastifyInstance, document: string): Promise<void> {
  await app.register(swagger, { mode: 'static', specification: { document: JSON.parse(document) } });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: pageSecurity,
    // Without the top bar, which could load a description from elsewhere.
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', validatorUrl: null },
    theme: { title: 'keyturn' },
  });
}
