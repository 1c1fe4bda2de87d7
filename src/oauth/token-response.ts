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

export function tokenResponse(answer: TokenAnswer): Record<string, string | number> {
  return {
    access_token: answer.accessToken,
    token_type: 'Bearer',
    expires_in: answer.expiresInSeconds,
    // RFC 6749 §3.3: a scope has at least one token, so an empty one is left out.
    ...(answer.scope.length > 0 ? { scope: answer.scope.join(' ') } : {}),
    ...(answer.refreshToken ? { refresh_token: answer.refreshToken.value } : {}),
  };
}
