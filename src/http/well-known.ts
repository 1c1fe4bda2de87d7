/** What is public: the key set (RFC 7517) and the server's metadata (RFC 8414). */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClientRegistry } from '../clients/client-registry.js';

export interface PublishedKeys {
  /** The key set's JSON, its entity tag, and for how many seconds it may be kept. */
  jwks(): { body: string; etag: string; maxAgeSeconds: number };
}

export interface WellKnownDependencies {
  issuer: string;
  keys: PublishedKeys;
  clients: ClientRegistry;
}

interface Document {
  body: string;
  etag: string;
  maxAgeSeconds: number;
  type: string;
}

const metadataMaxAgeSeconds = 300;
/** `Access-Control-Allow-Origin: *` instead of the rules for requests with credentials. */
const readableAnywhere = { config: { cors: false } } as const;

export function registerWellKnown(
  app: FastifyInstance,
  { issuer, keys, clients }: WellKnownDependencies,
): void {
  app.get('/.well-known/jwks.json', readableAnywhere, (request, reply) => {
    sendDocument(request, reply, { ...keys.jwks(), type: 'application/jwk-set+json' });
  });

  app.get('/.well-known/oauth-authorization-server', readableAnywhere, async (request, reply) => {
    const body = JSON.stringify(metadata(issuer, await clients.grants()));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    sendDocument(request, reply, {
      body,
      etag,
      maxAgeSeconds: metadataMaxAgeSeconds,
      type: 'application/json',
    });
    return reply;
  });
}

/** Public, cacheable, readable from any page, and not sent again to whoever has it (RFC 9110 §13.1.2). */
function sendDocument(request: FastifyRequest, reply: FastifyReply, document: Document): void {
  reply
    .header('cache-control', `public, max-age=${document.maxAgeSeconds}`)
    .header('etag', document.etag)
    .header('access-control-allow-origin', '*')
    .header('cross-origin-resource-policy', 'cross-origin');
  if (matches(request.headers['if-none-match'], document.etag)) reply.code(304).send();
  else reply.type(document.type).send(document.body);
}

/** RFC 9110 §13.1.2: weak comparison with each of a list, or `*`. */
export function matches(header: string | undefined, etag: string): boolean {
  const candidates = header?.split(',').map((candidate) => candidate.trim().replace(/^W\//, '')) ?? [];
  return candidates.includes(etag) || candidates.includes('*');
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
