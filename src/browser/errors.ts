export interface AuthErrorOptions {
  description?: string | undefined;
  reason?: string | undefined;
  status?: number | undefined;
  retryAfterSeconds?: number | undefined;
  cause?: unknown;
}

/** A request that failed. `temporary` tells "try again" from "log in again": nothing is lost while it is true. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  /** The OAuth error code (RFC 6749 §5.2), or `temporarily_unavailable` when no usable answer came. */
  readonly error: string;
  /** Why a refresh failed: `expired`, `revoked`, `reused` or `unknown`. */
  readonly reason: string | undefined;
  /** The HTTP status; absent when there was no answer. */
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(error: string, options: AuthErrorOptions = {}) {
    super(options.description ?? error, { cause: options.cause });
    this.error = error;
    this.reason = options.reason;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get temporary(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500;
  }
}
