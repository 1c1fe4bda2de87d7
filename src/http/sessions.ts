/** `/sessions`: what a user sees and ends of their own, by an access token of theirs. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { toSeconds } from '../clock.js';
import { OAuthError } from '../oauth/errors.js';
import { isUuid } from '../oauth/uuid.js';
import type { OwnSession, OwnSessions } from '../sessions/own-sessions.js';
import { isAdminToken } from '../tokens/access-token.js';
import type { BearerAuthentication } from './bearer.js';
import { noStore } from './token.js';

export interface SessionsDependencies {
  bearer: BearerAuthentication;
  ownSessions: OwnSessions;
}

export function registerSessions(app: FastifyInstance, { bearer, ownSessions }: SessionsDependencies): void {
  app.get('/sessions', async (request, reply) => {
    const { userId, sessionId } = await userOf(request);
    const sessions = await ownSessions.list(userId, sessionId);
    return noStore(reply).send({ sessions: sessions.map(toWire) });
  });

  app.delete<{ Params: { id: string } }>('/sessions/:id', async (request, reply) => {
    const { userId } = await userOf(request);
    const { id } = request.params;
    const outcome = isUuid(id) ? await ownSessions.end(userId, id) : 'unknown';
    // Another user's session is no different from one that never was.
    if (outcome === 'unknown') throw new OAuthError('not_found', { description: 'You have no such session' });
    return noStore(reply).code(204).send();
  });

  app.delete<{ Querystring: Record<string, unknown> }>('/sessions', async (request, reply) => {
    const { userId, sessionId } = await userOf(request);
    await ownSessions.endAll(userId, keepsCurrent(request.query) ? sessionId : undefined);
    return noStore(reply).code(204).send();
  });

  async function userOf(request: FastifyRequest): Promise<{ userId: string; sessionId: string }> {
    const token = await bearer.authenticate(request);
    const { sub, sid } = token;
    if (isAdminToken(token)) {
      throw new OAuthError('invalid_token', { description: 'The access token is for the admin API' });
    }
    if (sid !== undefined) return { userId: sub, sessionId: sid };
    throw new OAuthError('access_denied', { description: 'The access token is not that of a user' });
  }
}

/** `?keep=current`: log out everywhere else. A word that is not understood must not end more than was meant. */
function keepsCurrent({ keep, ...others }: Record<string, unknown>): boolean {
  const isUnderstood = Object.keys(others).length === 0 && (keep === undefined || keep === 'current');
  if (isUnderstood) return keep === 'current';
  throw new OAuthError('invalid_request', { description: 'Only keep=current is known' });
}

function toWire(session: OwnSession) {
  const expiresAt = Math.min(session.idleExpiresAt.getTime(), session.absoluteExpiresAt.getTime());
  return {
    id: session.id,
    client_id: session.clientId,
    scope: session.scope.join(' '),
    label: session.label,
    user_agent: session.userAgent,
    address: session.address,
    created_at: toSeconds(session.createdAt.getTime()),
    last_used_at: toSeconds(session.lastUsedAt.getTime()),
    expires_at: toSeconds(expiresAt),
    current: session.current,
  };
}
