/** One line per request: who asked for what, and what came of it. Never a query, a header, or a body. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Client } from '../clients/client.js';
import { plainAddress } from '../limits/network.js';
import type { OAuthError } from '../oauth/errors.js';
import type { Subject } from '../tokens/mint.js';

/** Who was found to be behind a request. */
export interface Requester {
  clientId?: string | undefined;
  userId?: string | undefined;
  sessionId?: string | undefined;
}

export function requesterOf(client: Client, { sub, session }: Subject): Requester {
  return { clientId: client.id, ...(session && { userId: sub, sessionId: session.id }) };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by routes once they know. */
    requester: Requester | undefined;
    /** Why the request was refused. */
    refusal: OAuthError | undefined;
  }
  interface FastifyContextConfig {
    /** Asked every few seconds by machines: logged at `debug` only. */
    quiet?: boolean;
  }
}

/** At these no request is told of, and none need cost anything. */
const levelsWithoutRequests = new Set(['warn', 'error', 'fatal', 'silent']);

export function logRequests(app: FastifyInstance): void {
  app.decorateRequest('requester', undefined);
  app.decorateRequest('refusal', undefined);
  if (levelsWithoutRequests.has(app.log.level)) return;
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
}

/** For answers that Fastify's hooks do not see, too. */
export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const { config } = request.routeOptions;
  const level = config?.quiet ? 'debug' : 'info';
  const { requester, refusal } = request;
  request.log[level](
    {
      request_id: request.id,
      method: request.method,
      path: config?.url === undefined ? unknownPath(request.url) : knownPath(request.url),
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime * 100) / 100,
      address: plainAddress(request.ip),
      ...(requester && fieldsOf(requester)),
      ...(refusal && { code: refusal.code, reason: refusal.message }),
    },
    'request',
  );
}

function fieldsOf({ clientId, userId, sessionId }: Requester) {
  return { client_id: clientId, user_id: userId, session_id: sessionId };
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

/** What is longer than a user's or a session's id may be a token that somebody put into its place. */
function knownPath(url: string): string {
  return pathOf(url).replace(/[^/]{37,}/g, '[long]');
}

const pathLimit = 200;

/** A path that is not ours may hold anything. */
function unknownPath(url: string): string {
  return pathOf(url)
    .replace(/[^/]{25,}/g, '[long]')
    .slice(0, pathLimit);
}
