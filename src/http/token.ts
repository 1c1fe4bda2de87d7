/** `POST /token` (RFC 6749 §3.2) and `POST /token/refresh`. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TokenEndpoint } from '../grants/token-endpoint.js';
import { tokenResponse } from '../oauth/token-response.js';
import { deviceOf } from './device.js';
import { formParameters } from './form-body.js';

export function registerToken(app: FastifyInstance, endpoint: TokenEndpoint): void {
  app.post('/token', async (request, reply) => {
    const parameters = formParameters(request);
    const { authorization } = request.headers;
    const { answer } = await endpoint.issue({ parameters, authorization, device: deviceOf(request) });
    return noStore(reply).send(tokenResponse(answer));
  });

  app.post('/token/refresh', async (request, reply) => {
    const parameters = formParameters(request).with('grant_type', 'refresh_token');
    const { authorization } = request.headers;
    const { answer } = await endpoint.issue({ parameters, authorization, device: deviceOf(request) });
    return noStore(reply).send(tokenResponse(answer));
  });
}

/** RFC 6749 §5.1. */
export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}
