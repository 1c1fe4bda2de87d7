/** `POST /token` (RFC 6749 §3.2) and `POST /token/refresh`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Client } from '../clients/client.js';
import type { TokenEndpoint } from '../grants/token-endpoint.js';
import type { Parameters } from '../oauth/parameters.js';
import { tokenResponse } from '../oauth/token-response.js';
import type { RevocationEndpoint } from '../revocation/revoke.js';
import {
  type CookieDelivery,
  type CookieRequest,
  clearCookie,
  endsSession,
  noSession,
} from './cookie-delivery.js';
import { deviceOf } from './device.js';
import { formParameters } from './form-body.js';
import { requesterOf } from './request-log.js';

export interface TokenDependencies {
  token: TokenEndpoint;
  revocation: RevocationEndpoint;
  cookies: CookieDelivery;
}

export function registerToken(app: FastifyInstance, { token, revocation, cookies }: TokenDependencies): void {
  app.post('/token', async (request, reply) => {
    const parameters = formParameters(request);
    await cookies.admit(request, parameters);
    return issue(request, reply, parameters);
  });

  app.post('/token/refresh', async (request, reply) => {
    const parameters = formParameters(request).with('grant_type', 'refresh_token');
    const byCookie = await cookies.read(request, parameters, 'refresh_token');
    if (byCookie) return refreshByCookie(request, reply, parameters, byCookie);
    await cookies.admit(request, parameters);
    return issue(request, reply, parameters);
  });

  async function issue(request: FastifyRequest, reply: FastifyReply, parameters: Parameters) {
    const { authorization } = request.headers;
    const { client, subject, answer } = await token.issue({
      parameters,
      authorization,
      device: deviceOf(request, parameters),
    });
    request.requester = requesterOf(client, subject);
    if (parameters.optional('grant_type') === 'password')
      await endReplacedSession(request, parameters, client);
    return noStore(reply).send(tokenResponse(cookies.deliver(reply, client, answer)));
  }

  async function refreshByCookie(
    request: FastifyRequest,
    reply: FastifyReply,
    parameters: Parameters,
    { client, refreshToken }: CookieRequest,
  ) {
    if (refreshToken === undefined) throw noSession();
    try {
      return await issue(request, reply, parameters.with('refresh_token', refreshToken));
    } catch (error) {
      if (endsSession(error)) clearCookie(reply, client);
      throw error;
    }
  }

  /** A login takes the place of the session whose cookie it overwrites: nobody else could end that one. */
  async function endReplacedSession(request: FastifyRequest, parameters: Parameters, client: Client) {
    try {
      const replaced = cookies.presented(request, client);
      if (replaced === undefined) return;
      await revocation.revoke(parameters.with('token', replaced), request.headers.authorization);
    } catch (error) {
      request.log.warn({ request_id: request.id, err: error }, 'a replaced session was not ended');
    }
  }
}

/** RFC 6749 §5.1. */
export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}
