/**
 * What browsers may do with an answer. Answers are JSON for programs: nothing in them runs, frames or leaks.
 * A route that says otherwise sets the header itself.
 */
import type { FastifyInstance } from 'fastify';

const oneYearSeconds = 31_536_000;

/** The headers of every answer. `https`: whether this server is only reached so. */
export function securityHeaders(https: boolean): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    // RFC 6797 §7.2: an STS header over plain http means nothing.
    ...(https && { 'strict-transport-security': `max-age=${oneYearSeconds}` }),
  };
}

export function secureEveryAnswer(app: FastifyInstance, headers: Record<string, string>): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}
