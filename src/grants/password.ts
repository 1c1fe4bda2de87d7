/** RFC 6749 §4.3, for first-party clients that were given it: a login, which begins a session. */
import { randomUUID } from 'node:crypto';
import type { AuditLog } from '../audit.js';
import type { Blocklist } from '../blocklist/blocklist.js';
import type { Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import { OAuthError } from '../oauth/errors.js';
import { allowedToUser, grantScope } from '../oauth/scope.js';
import type { IssuedRefreshToken } from '../oauth/token-response.js';
import type { RandomBytes } from '../secrets.js';
import { firstRefreshToken, type RefreshTokenCodec, sessionSecretHash } from '../sessions/refresh-token.js';
import type { SessionStore } from '../sessions/session-store.js';
import type { UserAuthenticator } from '../users/authenticate-user.js';
import type { LoginLimits } from '../users/login-limits.js';
import type { User } from '../users/user.js';
import type { Grant, GrantRequest } from './grant.js';

export interface PasswordGrantDependencies {
  users: UserAuthenticator;
  limits: LoginLimits;
  sessions: SessionStore;
  refreshTokens: RefreshTokenCodec;
  blocklist: Blocklist;
  audit: AuditLog;
  counters: Counters;
  clock: Clock;
  randomBytes: RandomBytes;
  /** 0: no limit. */
  maxSessionsPerUser: number;
}

/** Never says which part was wrong, nor whether the user exists. */
function wrongCredentials(reason: string): OAuthError {
  return new OAuthError('invalid_grant', { description: 'Wrong username or password', reason });
}

export function passwordGrant(dependencies: PasswordGrantDependencies): Grant {
  return {
    type: 'password',
    async authorize(request) {
      const user = await authenticate(dependencies, request);
      const scope = grantScope(request.requestedScope, allowedToUser(request.client.scope, user.permissions));
      const sessionId = randomUUID();
      const authTime = new Date(dependencies.clock());
      return {
        subject: { sub: user.id, session: { id: sessionId, authTime, user } },
        scope,
        revokedBefore: user.revokedBefore,
        commit: () => beginSession(dependencies, request, { user, sessionId, authTime, scope }),
      };
    },
  };
}

async function authenticate(
  { users, limits, audit, counters }: PasswordGrantDependencies,
  request: GrantRequest,
): Promise<User> {
  const { parameters, client, device } = request;
  const login = parameters.required('username');
  const password = parameters.required('password');
  await limits.admit(login, device.address);
  const outcome = await users.authenticate(login, password);
  if ('refused' in outcome) {
    counters.login('failed');
    const { address, userAgent } = device;
    const detail = { reason: outcome.refused };
    const userId = outcome.user?.id;
    await audit.record({ type: 'login_failed', userId, clientId: client.id, address, userAgent, detail });
    throw wrongCredentials(outcome.refused);
  }
  counters.login('succeeded');
  return outcome.user;
}

interface NewSession {
  user: User;
  sessionId: string;
  authTime: Date;
  scope: readonly string[];
}

async function beginSession(
  { sessions, refreshTokens, blocklist, randomBytes, maxSessionsPerUser }: PasswordGrantDependencies,
  { client, device, accessTokenExpiresAt }: GrantRequest,
  { user, sessionId, authTime, scope }: NewSession,
): Promise<IssuedRefreshToken | undefined> {
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
  if (begun === 'refused') throw wrongCredentials('user or client changed during login');
  if (maxSessionsPerUser > 0) {
    await blocklist.announce(await sessions.revokeBeyond(user.id, maxSessionsPerUser));
  }
  if (!client.grants.includes('refresh_token')) return undefined;
  return { value: refreshTokens.encode(token), expiresAt: begun.idleExpiresAt.getTime() };
}
