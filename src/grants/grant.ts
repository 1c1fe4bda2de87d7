/** What every grant type has in common. */
import type { Client } from '../clients/client.js';
import type { GrantType } from '../oauth/grant-type.js';
import type { Parameters } from '../oauth/parameters.js';
import type { IssuedRefreshToken } from '../oauth/token-response.js';
import type { Device } from '../sessions/session.js';
import type { Subject } from '../tokens/mint.js';

export interface GrantRequest {
  client: Client;
  parameters: Parameters;
  /** What `scope` asks for; undefined when it is absent. */
  requestedScope: readonly string[] | undefined;
  device: Device;
  /** The access token will not expire after this: milliseconds since the epoch. */
  accessTokenExpiresAt: number;
}

/** A decision to issue. */
export interface Authorization {
  subject: Subject;
  scope: readonly string[];
  /** No access token outlives this: milliseconds since the epoch. */
  notAfter?: number;
  /** The subject's tokens issued before this are revoked. */
  revokedBefore?: Date | null;
  /** The one atomic write, for after the signature. Answers the refresh token, where there is one. */
  commit(): Promise<IssuedRefreshToken | undefined>;
}

export interface Grant {
  type: GrantType;
  /** Reads and decides. Throws `OAuthError`. */
  authorize(request: GrantRequest): Promise<Authorization>;
}
