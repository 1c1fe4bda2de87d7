/** The errors this server answers with: the HTTP status that follows from each, and its `error` on the wire where that differs. */
const errorTable = {
  // RFC 6749 §5.2
  invalid_request: { status: 400 },
  invalid_client: { status: 401 },
  invalid_grant: { status: 400 },
  unauthorized_client: { status: 400 },
  unsupported_grant_type: { status: 400 },
  invalid_scope: { status: 400 },
  // RFC 6749 §4.1.2.1
  access_denied: { status: 403 },
  server_error: { status: 500 },
  temporarily_unavailable: { status: 503 },
  // RFC 6750 §3.1: a challenge to whoever brings no token at all has no error code.
  missing_token: { status: 401, wire: 'invalid_token' },
  invalid_token: { status: 401 },
  insufficient_scope: { status: 403 },
  // HTTP conditions: said by the status, and by the nearest code that OAuth clients know
  not_found: { status: 404, wire: 'invalid_request' },
  method_not_allowed: { status: 405, wire: 'invalid_request' },
  request_timeout: { status: 408, wire: 'invalid_request' },
  conflict: { status: 409, wire: 'invalid_request' },
  payload_too_large: { status: 413, wire: 'invalid_request' },
  unsupported_media_type: { status: 415, wire: 'invalid_request' },
  expectation_failed: { status: 417, wire: 'invalid_request' },
  too_many_requests: { status: 429, wire: 'temporarily_unavailable' },
  headers_too_large: { status: 431, wire: 'invalid_request' },
} satisfies Record<string, { status: number; wire?: string }>;

export type OAuthErrorCode = keyof typeof errorTable;

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
  /** The `error` member of the answer. */
  readonly wireCode: string;
  readonly description: string | undefined;
  readonly reason: string | undefined;
  readonly refreshFailure: RefreshFailureReason | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: OAuthErrorCode, options: OAuthErrorOptions = {}) {
    super(options.reason ?? options.description ?? code, { cause: options.cause });
    this.code = code;
    const { status, wire }: { status: number; wire?: string } = errorTable[code];
    this.status = status;
    this.wireCode = wire ?? code;
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
