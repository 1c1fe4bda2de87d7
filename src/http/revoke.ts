/** `POST /revoke` (RFC 7009) and `POST /introspect` (RFC 7662). */
import type { FastifyInstance } from 'fastify';
import type { IntrospectionEndpoint } from '../revocation/introspect.js';
import type { RevocationEndpoint } from '../revocation/revoke.js';
import { formParameters } from './form-body.js';
import { noStore } from './token.js';

export function registerRevoke(app: FastifyInstance, endpoint: RevocationEndpoint): void {
  app.post('/revoke', async (request, reply) => {
    await endpoint.revoke(formParameters(request), request.headers.authorization);
    return noStore(reply).send();
  });
}

export function registerIntrospect(app: FastifyInstance, endpoint: IntrospectionEndpoint): void {
  app.post('/introspect', async (request, reply) => {
    const answer = await endpoint.introspect(formParameters(request), request.headers.authorization);
    return noStore(reply).send(answer);
  });
}
