/** RFC 6749 §6 with rotation (RFC 9700 §4.14): a refresh token for its successor and a fresh access token. */
import type { Blocklist } from '../blocklist/blocklist.js';
import type { Counters } from '../counters.js';
import { OAuthError, type RefreshFailureReason, temporarilyUnavailable } from '../oauth/errors.js';
import { allowedToUser, grantScope, scopeExceeded } from '../oauth/scope.js';
import {
  type RefreshToken,
  type RefreshTokenCodec,
  sessionSecretHash,
  successorOf,
} from '../sessions/refresh-token.js';
import { refuseRotation } from '../sessions/rotation.js';
import type { Rotation, RotationRequest, SessionStore } from '../sessions/session-store.js';
import type { Authorization, Grant, GrantRequest } from './grant.js';

export interface RefreshTokenGrantDependencies {
  sessions: SessionStore;
  refreshTokens: RefreshTokenCodec;
  blocklist: Blocklist;
  counters: Counters;
}

/** A row that changes between two looks at it settles at once; more looks than this mean that something is wrong. */
const attempts = 5;

export function refreshTokenGrant(dependencies: RefreshTokenGrantDependencies): Grant {
  return {
    type: 'refresh_token',
    async authorize(request) {
      const { client, requestedScope } = request;
      grantScope(requestedScope, client.scope);
      const presented = dependencies.refreshTokens.decode(request.parameters.required('refresh_token'));
      if (!presented) {
        dependencies.counters.refresh('unknown');
        throw new OAuthError('invalid_grant', { description: 'Unknown refresh token' });
      }
      const rotation = await rotate(dependencies, request, presented);
      return authorization(dependencies.refreshTokens, request, presented, rotation);
    },
  };
}

/** Deciding and writing are one statement here; the signer is ready before it, and a retry gets the same successor. */
async function rotate(
  dependencies: RefreshTokenGrantDependencies,
  request: GrantRequest,
  presented: RefreshToken,
): Promise<Rotation> {
  const { sessions, counters } = dependencies;
  const { sessionId, generation } = presented;
  const secretHash = sessionSecretHash(presented);
  const clientId = request.client.id;
  const { device, accessTokenExpiresAt, requestedScope } = request;
  const wanted: RotationRequest = {
    sessionId,
    secretHash,
    generation,
    clientId,
    requestedScope,
    device,
    accessTokenExpiresAt,
  };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const rotation = await sessions.rotate(wanted);
    if (rotation !== 'refused') {
      counters.refresh(rotation.outcome);
      return rotation;
    }
    const state = await sessions.state(sessionId, secretHash);
    const refused = refuseRotation(state, { generation, clientId, requestedScope });
    if (refused === 'try again') continue;
    if (refused === 'scope exceeded') throw scopeExceeded();
    if (refused === 'reused') await endSession(dependencies, sessionId);
    counters.refresh(refused);
    throw refusal(refused);
  }
  throw temporarilyUnavailable('a session kept changing during its refresh');
}

/** Reuse ends the session in a commit of its own: the refusal that follows must not undo it. */
async function endSession(
  { sessions, blocklist }: RefreshTokenGrantDependencies,
  sessionId: string,
): Promise<void> {
  await blocklist.announce(await sessions.revoke(sessionId, 'reused', 'server'));
}

const descriptions: Record<RefreshFailureReason, string> = {
  expired: 'The session has expired',
  revoked: 'The session has ended',
  reused: 'The refresh token was used again after its rotation: the session has ended',
  unknown: 'Unknown refresh token',
};

function refusal(refreshFailure: RefreshFailureReason): OAuthError {
  return new OAuthError('invalid_grant', { description: descriptions[refreshFailure], refreshFailure });
}

/** The scope may be narrower than the session's for one access token; the lineage keeps what was granted (RFC 6749 §6). */
function authorization(
  refreshTokens: RefreshTokenCodec,
  { client, requestedScope }: GrantRequest,
  presented: RefreshToken,
  { user, scope, authTime, idleExpiresAt, absoluteExpiresAt }: Rotation,
): Authorization {
  const stillAllowed = allowedToUser(client.scope, user.permissions);
  const granted = (requestedScope ?? scope).filter((token) => stillAllowed.includes(token));
  const successor = {
    value: refreshTokens.encode(successorOf(presented)),
    expiresAt: idleExpiresAt.getTime(),
  };
  return {
    subject: { sub: user.id, session: { id: presented.sessionId, authTime, user } },
    scope: granted,
    notAfter: absoluteExpiresAt.getTime(),
    commit: async () => successor,
  };
}
