/** RFC 7662: whether a token is active, for resource servers that ask instead of verifying. */
import type { Blocklist } from '../blocklist/blocklist.js';
import { authenticateClient } from '../clients/authenticate-client.js';
import type { Client } from '../clients/client.js';
import type { ClientRegistry } from '../clients/client-registry.js';
import type { Clock } from '../clock.js';
import type { JsonObject } from '../oauth/claims.js';
import { OAuthError } from '../oauth/errors.js';
import type { Parameters } from '../oauth/parameters.js';
import { type RefreshTokenCodec, sessionSecretHash } from '../sessions/refresh-token.js';
import type { SessionStore } from '../sessions/session-store.js';
import { type AccessTokenVerifier, isAdminToken } from '../tokens/access-token.js';

export interface IntrospectDependencies {
  clients: ClientRegistry;
  sessions: SessionStore;
  refreshTokens: RefreshTokenCodec;
  accessTokens: AccessTokenVerifier;
  blocklist: Blocklist;
  clock: Clock;
}

/** RFC 7662 §2.2: nothing else is said of a token that is not active. */
const inactive: JsonObject = { active: false };

export class IntrospectionEndpoint {
  readonly #dependencies: IntrospectDependencies;

  constructor(dependencies: IntrospectDependencies) {
    this.#dependencies = dependencies;
  }

  async introspect(parameters: Parameters, authorization: string | undefined): Promise<JsonObject> {
    const client = await authenticateClient(this.#dependencies.clients, authorization, parameters);
    // RFC 7662 §2.1: the endpoint MUST require authorization, against token scanning.
    if (client.type !== 'confidential')
      throw new OAuthError('invalid_client', {
        description: 'Only confidential clients may introspect',
        reason: 'public client introspects',
      });
    const token = parameters.required('token');
    return (await this.#refreshToken(token, client)) ?? (await this.#accessToken(token));
  }

  /** A refresh token is nobody's business but its client's. */
  async #refreshToken(value: string, client: Client): Promise<JsonObject | undefined> {
    const { refreshTokens, sessions } = this.#dependencies;
    const token = refreshTokens.decode(value);
    if (!token) return undefined;
    const session = await sessions.state(token.sessionId, sessionSecretHash(token));
    const over = !session || session.revoked || session.expired || session.userDisabled;
    if (over || session.clientId !== client.id || session.generation !== token.generation) return inactive;
    return { active: true, client_id: client.id, scope: session.scope.join(' '), sid: token.sessionId };
  }

  async #accessToken(value: string): Promise<JsonObject> {
    const { accessTokens, blocklist, clock } = this.#dependencies;
    const token = await accessTokens.verify(value);
    // RFC 7662 §2.2: active is what has not expired. The tolerance for clocks is for those who verify by themselves.
    if (!token || token.exp * 1000 <= clock() || (await blocklist.find(token))) return inactive;
    // RFC 7662 §4: not for whoever asks, and an API that looks at `active` alone must not take it.
    if (isAdminToken(token)) return inactive;
    return { ...token, active: true, token_type: 'Bearer' };
  }
}
