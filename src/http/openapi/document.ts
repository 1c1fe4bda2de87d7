/** The description of every route, as OpenAPI 3.1. Nothing checks or shapes requests by it: the routes do that themselves. */
import { operations } from '../../admin/operations.js';
import { adminPaths } from './admin.js';
import { oauthPaths } from './oauth.js';
import { operationPaths } from './operation.js';
import { resourceServerPaths } from './resource-servers.js';
import { responses, schemas } from './schemas.js';
import { sessionPaths } from './sessions.js';
import type { Json } from './vocabulary.js';

const securitySchemes = {
  clientBasic: { type: 'http', scheme: 'basic', description: 'Client id and secret (RFC 6749 §2.3.1)' },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token of this server',
  },
  refreshCookie: { type: 'apiKey', in: 'cookie', name: '__Host-keyturn-refresh-CLIENT_ID' },
};

export function openApiDocument(issuer: string, version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'keyturn',
      version,
      description:
        'A standalone OAuth 2.0 token server: rotating signing keys, refresh tokens that cannot fork or get lost, revocations that reach local verifiers at once.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: issuer }],
    tags: ['OAuth 2.0', 'Sessions', 'Resource servers', 'Admin', 'Operation'].map((name) => ({ name })),
    paths: {
      ...oauthPaths,
      ...sessionPaths,
      ...resourceServerPaths,
      ...adminPaths(operations.filter(({ local }) => !local)),
      ...operationPaths,
    },
    components: { schemas, responses, securitySchemes },
  };
}
