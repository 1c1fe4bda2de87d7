/** `/openapi.json`, and `/docs`: the same, to read and try. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { answerPreflight, documentSender, etagOf } from './public-document.js';

const path = '/openapi.json';
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
export function registerOpenApi(app: FastifyInstance, body: string, headers: Record<string, string>): void {
  const document = { body, etag: etagOf(body), maxAgeSeconds };
  const send = documentSender(headers, 'application/json');
  app.get(path, (request, reply) => {
    send(request, reply, document);
  });
  answerPreflight(app, path, headers);
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
