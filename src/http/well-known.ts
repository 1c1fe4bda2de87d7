/** What is public: the key set (RFC 7517) and the server's metadata (RFC 8414). */
import type { FastifyInstance } from 'fastify';
import type { ClientRegistry } from '../clients/client-registry.js';
import { answerPreflight, documentSender, etagOf } from './public-document.js';

export interface PublishedKeys {
  /** The key set's JSON, its entity tag, and for how many seconds it may be kept. */
  jwks(): { body: string; etag: string; maxAgeSeconds: number };
}

export interface WellKnownDependencies {
  issuer: string;
  keys: PublishedKeys;
  clients: ClientRegistry;
}

const jwksPath = '/.well-known/jwks.json';
const metadataPath = '/.well-known/oauth-authorization-server';
const metadataMaxAgeSeconds = 300;

export function registerWellKnown(
  app: FastifyInstance,
  { issuer, keys, clients }: WellKnownDependencies,
  headers: Record<string, string>,
): void {
  const sendKeySet = documentSender(headers, 'application/jwk-set+json');
  const sendMetadata = documentSender(headers, 'application/json');

  app.get(jwksPath, (request, reply) => {
    sendKeySet(request, reply, keys.jwks());
  });
  answerPreflight(app, jwksPath, headers);

  app.get(metadataPath, async (request, reply) => {
    const body = JSON.stringify(metadata(issuer, await clients.grants()));
    sendMetadata(request, reply, { body, etag: etagOf(body), maxAgeSeconds: metadataMaxAgeSeconds });
    return reply;
  });
  answerPreflight(app, metadataPath, headers);
}

const clientAuthentication = ['client_secret_basic', 'client_secret_post'];

/** RFC 8414 §2. Lists only what works: a grant type is there when some client has it. */
function metadata(issuer: string, grants: readonly string[]) {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    // Not of RFC 8414, whose §2 allows further members: docs/revocation-feed.md.
    revocations_endpoint: `${issuer}/revocations`,
    // RFC 8414 §2: required, and empty where there is no authorization endpoint.
    response_types_supported: [],
    grant_types_supported: ['password', 'client_credentials', 'refresh_token'].filter((type) =>
      grants.includes(type),
    ),
    token_endpoint_auth_methods_supported: [...clientAuthentication, 'none'],
    revocation_endpoint_auth_methods_supported: [...clientAuthentication, 'none'],
    introspection_endpoint_auth_methods_supported: clientAuthentication,
  };
}
