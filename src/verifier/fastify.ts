// The adapter for Fastify: an onRequest hook per route, or for a whole plugin by `app.addHook('onRequest', guard(verifier))`.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { admit, checkGuardOptions, type GuardOptions } from './adapter.js';
import type { AccessTokenClaims } from './claims.js';
import type { Verifier } from './verifier.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The claims of the request's access token, set by `guard`; absent where it is optional and there was none. */
    accessToken?: AccessTokenClaims;
  }
}

export type { GuardOptions } from './adapter.js';

type FastifyGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/** A hook that lets a request pass only with a good token: sets `request.accessToken`, or answers by RFC 6750 §3. Throws a TypeError for unknown options. */
export function guard(verifier: Verifier, options: GuardOptions = {}): FastifyGuard {
  checkGuardOptions(options);
  return async function verifyAccessToken(request, reply) {
    const { claims, refusal } = await admit(verifier, request.headers.authorization, options);
    if (refusal) return reply.code(refusal.status).headers(refusal.headers).send(refusal.body);
    if (claims) request.accessToken = claims;
    return undefined;
  };
}
