/** A path that exists answers other methods with 405 and `Allow` (RFC 9110 §15.5.6) instead of 404. */
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { OAuthError } from '../oauth/errors.js';

const guarded: HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Notes the routes registered from now on. Call the answer as a plugin after all of them: it refuses the other methods. */
export function noteMethods(app: FastifyInstance): (guard: FastifyInstance) => Promise<void> {
  const methodsByUrl = new Map<string, string[]>();
  let noting = true;
  app.addHook('onRoute', ({ url, method }) => {
    if (noting) methodsByUrl.set(url, [...(methodsByUrl.get(url) ?? []), ...[method].flat()]);
  });
  return async (guard) => {
    noting = false;
    for (const [url, methods] of methodsByUrl) refuseOthers(guard, url, methods);
  };
}

function refuseOthers(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const others = guarded.filter((method) => !allowed.includes(method));
  if (others.length === 0) return;
  app.route({
    url,
    method: others,
    // Before the body is read, so that its type or size is not what the client hears about.
    onRequest: async (_request, reply) => {
      reply.header('allow', allowed.join(', '));
      throw new OAuthError('method_not_allowed');
    },
    handler: () => undefined,
  });
}
