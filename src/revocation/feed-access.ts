/** Who may read the feed: confidential clients with the scope `revocations:read`, by their secret or by an access token. */
import type { Blocklist } from '../blocklist/blocklist.js';
import { authenticateClient } from '../clients/authenticate-client.js';
import type { ClientRegistry } from '../clients/client-registry.js';
import { credentialsOf } from '../oauth/authorization-header.js';
import { OAuthError } from '../oauth/errors.js';
import { Parameters } from '../oauth/parameters.js';
import { revocationsScope } from '../oauth/scope.js';
import { type AccessTokenVerifier, isAdminToken, scopeOf } from '../tokens/access-token.js';

export interface FeedAccessDependencies {
  clients: ClientRegistry;
  accessTokens: AccessTokenVerifier;
  blocklist: Blocklist;
}

/** A reader's client, and until when it may read without asking again, in milliseconds since the epoch. */
export interface FeedReader {
  clientId: string;
  until: number;
}

export class FeedAccess {
  readonly #dependencies: FeedAccessDependencies;

  constructor(dependencies: FeedAccessDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws `invalid_client`, `invalid_token` or `insufficient_scope`. */
  admit(authorization: string | undefined): Promise<FeedReader> {
    const token = credentialsOf(authorization, 'bearer');
    return token === undefined ? this.#admitClient(authorization) : this.#admitToken(token);
  }

  async #admitClient(authorization: string | undefined): Promise<FeedReader> {
    const client = await authenticateClient(this.#dependencies.clients, authorization, Parameters.parse(''));
    if (client.type !== 'confidential' || !client.scope.includes(revocationsScope)) throw insufficientScope();
    return { clientId: client.id, until: Number.POSITIVE_INFINITY };
  }

  async #admitToken(value: string): Promise<FeedReader> {
    const { accessTokens, blocklist } = this.#dependencies;
    const token = await accessTokens.verify(value);
    if (!token || isAdminToken(token) || (await blocklist.find(token))) {
      throw new OAuthError('invalid_token', { description: 'The access token is not valid' });
    }
    // What a client may read, its users may not.
    const isOfUser = token.sid !== undefined;
    if (isOfUser || !scopeOf(token).includes(revocationsScope)) throw insufficientScope();
    return { clientId: token.client_id, until: token.exp * 1000 };
  }
}

function insufficientScope(): OAuthError {
  return new OAuthError('insufficient_scope', {
    description: `The feed needs the scope ${revocationsScope}`,
  });
}
