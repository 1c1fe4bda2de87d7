/** RFC 6749 §4.4: a client acts for itself. No session, no refresh token (§4.4.3). */
import { OAuthError } from '../oauth/errors.js';
import { grantScope } from '../oauth/scope.js';
import type { Grant } from './grant.js';

export const clientCredentialsGrant: Grant = {
  type: 'client_credentials',
  async authorize({ client, requestedScope }) {
    // RFC 6749 §4.4: MUST only be used by confidential clients.
    if (client.type !== 'confidential') {
      throw new OAuthError('unauthorized_client', {
        description: 'Only confidential clients may use this grant',
      });
    }
    return {
      subject: { sub: client.id },
      scope: grantScope(requestedScope, client.scope),
      revokedBefore: client.revokedBefore,
      commit: async () => undefined,
    };
  },
};
