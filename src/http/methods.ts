/** A path that exists answers other methods with 405 and `Allow` (RFC 9110 §15.5.6) instead of 404. */
import type { FastifyInstance } from 'fastify';
import { OAuthError } from '../oauth/errors.js';

/** Notes the routes registered from now on. Call the answer as a plugin after all of them: it refuses the other methods. */
export function noteMethods(app: FastifyInstance): (guard: FastifyInstance) => Promise<void> {
  const methodsByUrl = new Map<string, string[]>();
  let noting = true;
  app.addHook('onRoute', ({ url, method }) => {
    if (noting) methodsByUrl.set(url, [...(methodsByUrl.get(url) ?? []), ...[method].flat()]);
  });
  return async (guard) => {
    noting = false;
    for (const [url, methods] of methodsByUrl) {
      if (url !== '*') refuseOthers(guard, url, methods);
    }
  };
}

function refuseOthers(app: FastifyInstance, url: string, methods: readonly string[]): void {
  const others = app.supportedMethods.filter((method) => !methods.includes(method) && method !== 'OPTIONS');
  const allow = [...new Set([...methods, 'OPTIONS'])].join(', ');
  app.route({
    url,
    method: others,
    // Before the body is read, so that its type or size is not what the client hears about.
    onRequest: async (_request, reply) => {
      reply.header('allow', allow);
      throw new OAuthError('method_not_allowed', { description: 'This path does not take this method' });
    },
    handler: () => undefined,
  });
  // RFC 9110 §9.3.7. Preflights of browsers were answered before.
  if (!methods.includes('OPTIONS'))
    app.options(url, (_request, reply) => reply.code(204).header('allow', allow).send());
}
