/** The token endpoint (RFC 6749 §3.2): one pipeline for every grant. */
import { authenticateClient } from '../clients/authenticate-client.js';
import type { Client } from '../clients/client.js';
import type { ClientRegistry } from '../clients/client-registry.js';
import type { Counters } from '../counters.js';
import { OAuthError } from '../oauth/errors.js';
import type { Parameters } from '../oauth/parameters.js';
import { parseScope } from '../oauth/scope.js';
import type { TokenAnswer } from '../oauth/token-response.js';
import type { Device } from '../sessions/session.js';
import type { Mint, Subject } from '../tokens/mint.js';
import type { Grant } from './grant.js';

export interface TokenRequest {
  parameters: Parameters;
  /** The `Authorization` header. */
  authorization: string | undefined;
  device: Device;
}

export interface TokenEndpointDependencies {
  clients: ClientRegistry;
  grants: readonly Grant[];
  mint: Mint;
  counters: Counters;
}

export interface IssuedTokens {
  client: Client;
  subject: Subject;
  answer: TokenAnswer;
}

export class TokenEndpoint {
  readonly #clients: ClientRegistry;
  readonly #grants: ReadonlyMap<string, Grant>;
  readonly #mint: Mint;
  readonly #counters: Counters;

  constructor({ clients, grants, mint, counters }: TokenEndpointDependencies) {
    this.#clients = clients;
    this.#grants = new Map(grants.map((grant) => [grant.type, grant]));
    this.#mint = mint;
    this.#counters = counters;
  }

  /** Decide, sign, write, answer. Throws `OAuthError`; nothing is answered before it is durable. */
  async issue({ parameters, authorization, device }: TokenRequest): Promise<IssuedTokens> {
    const client = await authenticateClient(this.#clients, authorization, parameters);
    const grant = this.#grantFor(client, parameters.required('grant_type'));
    const requestedScope = scopeOf(parameters);
    const signer = await this.#mint.signer();
    const accessTokenExpiresAt = this.#mint.expiry();
    const decision = await grant.authorize({
      client,
      parameters,
      requestedScope,
      device,
      accessTokenExpiresAt,
    });
    const { subject, scope, revokedBefore, notAfter = accessTokenExpiresAt } = decision;
    const expiresAt = Math.min(accessTokenExpiresAt, notAfter);
    const accessToken = await this.#mint.sign(signer, { client, subject, scope, expiresAt, revokedBefore });
    const refreshToken = await decision.commit();
    this.#counters.tokenIssued(grant.type);
    const { value, expiresInSeconds } = accessToken;
    return { client, subject, answer: { accessToken: value, expiresInSeconds, scope, refreshToken } };
  }

  #grantFor(client: Client, type: string): Grant {
    const grant = this.#grants.get(type);
    if (!grant)
      throw new OAuthError('unsupported_grant_type', { description: 'This grant type is not supported' });
    if (client.grants.includes(grant.type)) return grant;
    throw new OAuthError('unauthorized_client', { description: 'This client may not use this grant type' });
  }
}

function scopeOf(parameters: Parameters): string[] | undefined {
  const scope = parameters.optional('scope');
  return scope === undefined ? undefined : parseScope(scope);
}
