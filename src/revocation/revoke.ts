/** RFC 7009: a refresh token ends its session and every access token of it, an access token only itself. */
import type { Blocklist } from '../blocklist/blocklist.js';
import { authenticateClient } from '../clients/authenticate-client.js';
import type { Client } from '../clients/client.js';
import type { ClientRegistry } from '../clients/client-registry.js';
import { OAuthError } from '../oauth/errors.js';
import type { Parameters } from '../oauth/parameters.js';
import { type RefreshTokenCodec, sessionSecretHash } from '../sessions/refresh-token.js';
import type { SessionStore } from '../sessions/session-store.js';
import type { AccessTokenVerifier } from '../tokens/access-token.js';

export interface RevokeDependencies {
  clients: ClientRegistry;
  sessions: SessionStore;
  refreshTokens: RefreshTokenCodec;
  accessTokens: AccessTokenVerifier;
  blocklist: Blocklist;
  clockToleranceSeconds: number;
}

export class RevocationEndpoint {
  readonly #dependencies: RevokeDependencies;

  constructor(dependencies: RevokeDependencies) {
    this.#dependencies = dependencies;
  }

  /** When it returns, the revocation is durable, or there was nothing to revoke (RFC 7009 §2.2). */
  async revoke(parameters: Parameters, authorization: string | undefined): Promise<void> {
    const client = await authenticateClient(this.#dependencies.clients, authorization, parameters);
    const token = parameters.required('token');
    // The two kinds of token look different, so `token_type_hint` has nothing to add (RFC 7009 §2.1).
    if (!(await this.#revokeRefreshToken(token, client))) await this.#revokeAccessToken(token, client);
  }

  async #revokeRefreshToken(value: string, client: Client): Promise<boolean> {
    const { refreshTokens, sessions, blocklist } = this.#dependencies;
    const token = refreshTokens.decode(value);
    if (!token) return false;
    const session = await sessions.state(token.sessionId, sessionSecretHash(token));
    if (!session) return true;
    if (session.clientId !== client.id) throw issuedToAnother();
    await blocklist.announce(await sessions.revoke(token.sessionId, 'revoked', client.id));
    return true;
  }

  async #revokeAccessToken(value: string, client: Client): Promise<void> {
    const { accessTokens, blocklist, clockToleranceSeconds } = this.#dependencies;
    const token = await accessTokens.verify(value);
    if (!token) return;
    if (token.client_id !== client.id) throw issuedToAnother();
    if (await blocklist.find(token)) return;
    const expiresAt = (token.exp + clockToleranceSeconds) * 1000;
    await blocklist.add({ type: 'jti', value: token.jti, reason: 'revoked', expiresAt }, client.id);
  }
}

/** RFC 7009 §2.1: if the token was issued to another client, the request is refused and the client is told. */
function issuedToAnother(): OAuthError {
  return new OAuthError('invalid_grant', { description: 'The token was issued to another client' });
}
