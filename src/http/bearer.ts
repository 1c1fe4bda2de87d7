/** Access tokens in the `Authorization` header (RFC 6750 §2.1), for this server's own resources. */
import type { FastifyRequest } from 'fastify';
import type { Blocklist } from '../blocklist/blocklist.js';
import { credentialsOf } from '../oauth/authorization-header.js';
import { OAuthError } from '../oauth/errors.js';
import type { AccessToken, AccessTokenVerifier } from '../tokens/access-token.js';

const token68 = /^[A-Za-z0-9._~+/-]+=*$/;

export class BearerAuthentication {
  readonly #accessTokens: AccessTokenVerifier;
  readonly #blocklist: Blocklist;

  constructor(accessTokens: AccessTokenVerifier, blocklist: Blocklist) {
    this.#accessTokens = accessTokens;
    this.#blocklist = blocklist;
  }

  /**
   * The access token of a request: valid and not revoked. What it may do, the caller decides.
   * Throws `missing_token` or `invalid_token` (RFC 6750 §3.1).
   */
  async authenticate(request: FastifyRequest): Promise<AccessToken> {
    const token = await this.#accessTokens.verify(presentedToken(request));
    if (!token) throw invalidToken('not a valid access token');
    if (await this.#blocklist.find(token)) throw invalidToken('revoked');
    request.requester = {
      clientId: token.client_id,
      ...(token.sid !== undefined && { userId: token.sub, sessionId: token.sid }),
    };
    return token;
  }
}

/** RFC 6750 §3.1: other authentication schemes are as good as none. */
function presentedToken({ headers }: FastifyRequest): string {
  const token = credentialsOf(headers.authorization, 'bearer');
  if (token === undefined)
    throw new OAuthError('missing_token', { description: 'An access token is required' });
  if (!token68.test(token)) throw invalidToken('unusable Authorization header');
  return token;
}

function invalidToken(reason: string): OAuthError {
  return new OAuthError('invalid_token', { description: 'The access token is not valid', reason });
}
