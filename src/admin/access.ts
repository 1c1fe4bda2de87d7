/** Who may administer by access token: what gave the admin scope must still be there at every request. */
import { OAuthError } from '../oauth/errors.js';
import { adminScope, allowedToUser } from '../oauth/scope.js';
import { type AccessToken, isAdminToken, scopeOf } from '../tokens/access-token.js';
import type { AdminContext } from './context.js';

type Rows = Pick<AdminContext, 'users' | 'clients'>;

/**
 * Throws `insufficient_scope` for a token without the admin scope, or whose user or client has lost it since, and
 * `invalid_token` for one that is meant for another audience (RFC 9068 §4).
 */
export async function requireAdmin(rows: Rows, token: AccessToken): Promise<void> {
  if (!scopeOf(token).includes(adminScope)) {
    throw new OAuthError('insufficient_scope', {
      description: `Requires the scope ${adminScope}, which is granted only when it is asked for by name`,
    });
  }
  if (!isAdminToken(token)) {
    throw new OAuthError('invalid_token', {
      description: 'The access token is for another audience',
      reason: 'the issuer is not the only audience',
    });
  }
  if (await isStillAdmin(rows, token)) return;
  throw new OAuthError('insufficient_scope', {
    description: `The scope ${adminScope} has been taken away`,
    reason: 'the user or client may no longer administer',
  });
}

/** Read from the database itself, never from what a hot path remembers: whoever is demoted must not undo it. */
async function isStillAdmin({ users, clients }: Rows, token: AccessToken): Promise<boolean> {
  const isOfUser = token.sid !== undefined;
  const [client, user] = await Promise.all([
    clients.find(token.client_id),
    isOfUser ? users.find(token.sub) : undefined,
  ]);
  if (!client || client.disabledAt || !client.scope.includes(adminScope)) return false;
  if (!isOfUser) return true;
  return (
    user !== undefined &&
    !user.disabledAt &&
    allowedToUser(client.scope, user.permissions).includes(adminScope)
  );
}
