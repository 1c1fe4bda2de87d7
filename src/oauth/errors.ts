/** The error codes this server answers with, and the HTTP status that follows from each. */
const statusByCode = {
  // RFC 6749 §5.2
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  // RFC 6749 §4.1.2.1
  access_denied: 403,
  server_error: 500,
  temporarily_unavailable: 503,
  // RFC 7009 §2.2.1
  unsupported_token_type: 400,
  // RFC 6750 §3.1
  invalid_token: 401,
  insufficient_scope: 403,
  // HTTP conditions that no RFC of OAuth names
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  slow_down: 429,
  headers_too_large: 431,
} as const;

export type OAuthErrorCode = keyof typeof statusByCode;

/** Why a refresh failed, told to whoever presents a token that was once real. */
export type RefreshFailureReason = 'expired' | 'revoked' | 'reused' | 'unknown';

export interface OAuthErrorOptions {
  /** `error_description`: goes on the wire, so it holds nothing secret (RFC 6749 §5.2: printable ASCII without `"` and `\`). */
  description?: string;
  /** Why, for the log only. */
  reason?: string;
  cause?: unknown;
  /** On the wire as `reason`. */
  refreshFailure?: RefreshFailureReason;
  /** Seconds after which to try again: the `Retry-After` header. */
  retryAfterSeconds?: number;
}

/** Every refusal of this server. The status follows from the code; `reason` and `cause` go to the log, never on the wire. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly description: string | undefined;
  readonly reason: string | undefined;
  readonly refreshFailure: RefreshFailureReason | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: OAuthErrorCode, options: OAuthErrorOptions = {}) {
    super(options.reason ?? options.description ?? code, { cause: options.cause });
    this.code = code;
    this.status = statusByCode[code];
    this.description = options.description;
    this.reason = options.reason;
    this.refreshFailure = options.refreshFailure;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** A dependency is down: never a 401 or `invalid_grant`, on which clients throw their tokens away. */
export function temporarilyUnavailable(reason: string, cause?: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', {
    description: 'The service is temporarily unavailable',
    reason,
    cause,
    retryAfterSeconds: 1,
  });
}
