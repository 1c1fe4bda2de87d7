/** `POST /revoke` (RFC 7009) and `POST /introspect` (RFC 7662). */
import type { FastifyInstance } from 'fastify';
import type { IntrospectionEndpoint } from '../revocation/introspect.js';
import type { RevocationEndpoint } from '../revocation/revoke.js';
import { type CookieDelivery, clearCookie } from './cookie-delivery.js';
import { formParameters } from './form-body.js';
import { noStore } from './token.js';

export function registerRevoke(
  app: FastifyInstance,
  endpoint: RevocationEndpoint,
  cookies: CookieDelivery,
): void {
  app.post('/revoke', async (request, reply) => {
    const parameters = formParameters(request);
    const { authorization } = request.headers;
    const byCookie = await cookies.read(request, parameters, 'token');
    const token = byCookie?.refreshToken;
    if (token !== undefined) await endpoint.revoke(parameters.with('token', token), authorization);
    else if (!byCookie) await endpoint.revoke(parameters, authorization);
    // A logout: the cookie goes when the session has gone, and not before.
    if (byCookie) clearCookie(reply, byCookie.client);
    return noStore(reply).send();
  });
}

export function registerIntrospect(app: FastifyInstance, endpoint: IntrospectionEndpoint): void {
  app.post('/introspect', async (request, reply) => {
    const answer = await endpoint.introspect(formParameters(request), request.headers.authorization);
    return noStore(reply).send(answer);
  });
}
