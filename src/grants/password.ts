/** RFC 6749 §4.3, for first-party clients that were given it: a login, which begins a session. */
import { randomUUID } from 'node:crypto';
import type { Blocklist } from '../blocklist/blocklist.js';
import type { Clock } from '../clock.js';
import { allowedToUser, grantScope } from '../oauth/scope.js';
import type { IssuedRefreshToken } from '../oauth/token-response.js';
import type { RandomBytes } from '../secrets.js';
import { firstRefreshToken, type RefreshTokenCodec, sessionSecretHash } from '../sessions/refresh-token.js';
import type { SessionStore } from '../sessions/session-store.js';
import type { Credentials, UserAuthenticator } from '../users/authenticate-user.js';
import type { User } from '../users/user.js';
import type { Grant, GrantRequest } from './grant.js';

export interface PasswordGrantDependencies {
  users: UserAuthenticator;
  sessions: SessionStore;
  refreshTokens: RefreshTokenCodec;
  blocklist: Blocklist;
  clock: Clock;
  randomBytes: RandomBytes;
  /** 0: no limit. */
  maxSessionsPerUser: number;
}

export function passwordGrant(dependencies: PasswordGrantDependencies): Grant {
  return {
    type: 'password',
    async authorize(request) {
      const credentials = credentialsOf(request);
      const user = await dependencies.users.authenticate(credentials);
      const scope = grantScope(request.requestedScope, allowedToUser(request.client.scope, user.permissions));
      const sessionId = randomUUID();
      const authTime = new Date(dependencies.clock());
      return {
        subject: { sub: user.id, session: { id: sessionId, authTime, user } },
        scope,
        revokedBefore: user.revokedBefore,
        commit: () => beginSession(dependencies, request, { credentials, user, sessionId, authTime, scope }),
      };
    },
  };
}

function credentialsOf({ parameters, client, device }: GrantRequest): Credentials {
  return {
    login: parameters.required('username'),
    password: parameters.required('password'),
    clientId: client.id,
    device,
  };
}

interface NewSession {
  credentials: Credentials;
  user: User;
  sessionId: string;
  authTime: Date;
  scope: readonly string[];
}

async function beginSession(
  dependencies: PasswordGrantDependencies,
  { client, device, accessTokenExpiresAt }: GrantRequest,
  { credentials, user, sessionId, authTime, scope }: NewSession,
): Promise<IssuedRefreshToken | undefined> {
  const { users, sessions, refreshTokens, blocklist, randomBytes, maxSessionsPerUser } = dependencies;
  const token = firstRefreshToken(sessionId, randomBytes);
  const begun = await sessions.begin({
    id: sessionId,
    userId: user.id,
    clientId: client.id,
    secretHash: sessionSecretHash(token),
    scope,
    authTime,
    device,
    accessTokenExpiresAt,
    passwordChangedAt: user.passwordChangedAt,
    revokedBefore: user.revokedBefore,
  });
  if (begun === 'refused') throw await users.changedMeanwhile(credentials, user);
  if (maxSessionsPerUser > 0) {
    await blocklist.announce(await sessions.revokeBeyond(user.id, maxSessionsPerUser));
  }
  if (!client.grants.includes('refresh_token')) return undefined;
  return { value: refreshTokens.encode(token), expiresAt: begun.idleExpiresAt.getTime() };
}
