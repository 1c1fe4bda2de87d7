/** `POST /token` (RFC 6749 §3.2) and `POST /token/refresh`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TokenEndpoint } from '../grants/token-endpoint.js';
import type { Parameters } from '../oauth/parameters.js';
import { tokenResponse } from '../oauth/token-response.js';
import {
  type CookieDelivery,
  type CookieRequest,
  clearCookie,
  endsSession,
  noSession,
} from './cookie-delivery.js';
import { deviceOf } from './device.js';
import { formParameters } from './form-body.js';

export function registerToken(app: FastifyInstance, endpoint: TokenEndpoint, cookies: CookieDelivery): void {
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
    const { client, answer } = await endpoint.issue({ parameters, authorization, device: deviceOf(request) });
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
}

/** RFC 6749 §5.1. */
export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}
