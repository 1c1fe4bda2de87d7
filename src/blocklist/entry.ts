/** One entry of the blocklist. Times are milliseconds since the epoch. */
export type RevocationType = 'jti' | 'sid' | 'sub' | 'kid';

export interface RevocationEntry {
  /** Grows in the order in which entries became visible; a decimal string. */
  position: string;
  type: RevocationType;
  value: string;
  /** For `sub`: tokens issued before this are revoked. */
  before?: number | undefined;
  reason: string;
  revokedAt: number;
  /** When nothing that it covers can be valid any more. */
  expiresAt: number;
}

/** What of an access token the blocklist looks at. */
export interface TokenIdentity {
  jti: string;
  sub: string;
  sid?: string | undefined;
  /** Integer seconds, as in the token. */
  iat: number;
}
