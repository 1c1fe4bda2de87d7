/** The successful answer of the token endpoint: RFC 6749 §5.1. */
export interface TokenAnswer {
  accessToken: string;
  expiresInSeconds: number;
  scope: readonly string[];
  refreshToken?: IssuedRefreshToken | undefined;
}

export interface IssuedRefreshToken {
  value: string;
  /** When the session ends if it is not refreshed: milliseconds since the epoch. */
  expiresAt: number;
}

/** What is undefined is left out of the JSON. */
export function tokenResponse({ accessToken, expiresInSeconds, scope, refreshToken }: TokenAnswer) {
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    // RFC 6749 §3.3: a scope has at least one token, so an empty one is left out.
    scope: scope.length > 0 ? scope.join(' ') : undefined,
    refresh_token: refreshToken?.value,
  };
}
