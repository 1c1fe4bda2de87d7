/** What a refusal answers: the HTTP status, the `error` of RFC 6750 §3.1 where it has one, and words for the caller. */
const refusals = {
  // No authentication information: RFC 6750 §3.1 wants no error code in the challenge.
  token_missing: { status: 401, error: undefined, description: 'An access token is required' },
  request_malformed: {
    status: 400,
    error: 'invalid_request',
    description: 'The Authorization header is malformed',
  },

  token_too_long: { status: 401, error: 'invalid_token', description: 'The access token is too long' },
  token_malformed: { status: 401, error: 'invalid_token', description: 'The access token is malformed' },
  header_refused: { status: 401, error: 'invalid_token', description: 'The token header is not supported' },
  algorithm_refused: {
    status: 401,
    error: 'invalid_token',
    description: 'The token algorithm is not allowed',
  },
  type_mismatch: { status: 401, error: 'invalid_token', description: 'The token is not an access token' },
  key_unknown: { status: 401, error: 'invalid_token', description: 'The signing key is unknown' },
  key_revoked: { status: 401, error: 'invalid_token', description: 'The signing key was revoked' },
  signature_invalid: { status: 401, error: 'invalid_token', description: 'The signature is invalid' },
  claim_missing: { status: 401, error: 'invalid_token', description: 'A required claim is missing' },
  claim_invalid: { status: 401, error: 'invalid_token', description: 'A claim has a wrong value' },
  issuer_mismatch: { status: 401, error: 'invalid_token', description: 'The token is from another issuer' },
  audience_mismatch: {
    status: 401,
    error: 'invalid_token',
    description: 'The token is for another audience',
  },
  token_not_yet_valid: {
    status: 401,
    error: 'invalid_token',
    description: 'The access token is not valid yet',
  },
  token_expired: { status: 401, error: 'invalid_token', description: 'The access token expired' },
  token_too_old: {
    status: 401,
    error: 'invalid_token',
    description: 'The access token was issued too long ago',
  },
  token_revoked: { status: 401, error: 'invalid_token', description: 'The access token was revoked' },

  scope_missing: { status: 403, error: 'insufficient_scope', description: 'The access token lacks a scope' },
  role_missing: { status: 403, error: 'insufficient_scope', description: 'The access token lacks a role' },
  permission_missing: {
    status: 403,
    error: 'insufficient_scope',
    description: 'The access token lacks a permission',
  },

  // Nothing is known against the token: clients throw a token away on 401, so these are 503.
  keys_unavailable: { status: 503, error: undefined, description: 'The signing keys cannot be fetched' },
  revocations_stale: { status: 503, error: undefined, description: 'The revocations cannot be followed' },
} as const;

/** Stable: compare with these, not with messages. */
export type VerifierErrorCode = keyof typeof refusals;

export interface VerifierErrorOptions {
  cause?: unknown;
  /** The protection space of a challenge without an error (RFC 9110 §11.5). */
  realm?: string;
  /** The scope that would be sufficient, space-delimited (RFC 6750 §3). */
  scope?: string;
}

/** Seconds after which a caller may try again when the verifier could not decide. */
const RETRY_AFTER_SECONDS = 1;

/**
 * Why a token, or a request, is refused.
 *
 * `code` is stable. `status` and `wwwAuthenticate` are what the resource server answers (RFC 6750 §3);
 * `wwwAuthenticate` is undefined for 503, where `retryAfterSeconds` is set. `message` is safe to show to the caller.
 */
export class VerifierError extends Error {
  override readonly name: string = 'VerifierError';
  readonly code: VerifierErrorCode;
  readonly status: 400 | 401 | 403 | 503;
  /** The `error` member of the challenge and of a JSON body; `undefined` for a request without a token. */
  readonly error:
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'temporarily_unavailable'
    | undefined;
  readonly wwwAuthenticate: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: VerifierErrorCode, options: VerifierErrorOptions = {}) {
    const { status, error, description } = refusals[code];
    super(description, { cause: options.cause });
    const unavailable = status === 503;
    this.code = code;
    this.status = status;
    this.error = unavailable ? 'temporarily_unavailable' : error;
    this.retryAfterSeconds = unavailable ? RETRY_AFTER_SECONDS : undefined;
    this.wwwAuthenticate = unavailable ? undefined : challenge(error, description, options);
  }
}

/** 400 or 401: there is no token, or the token is not one to accept. */
export class TokenRefusedError extends VerifierError {
  override readonly name = 'TokenRefusedError';
}

/** 403: the token is good, but not for this. */
export class AccessDeniedError extends VerifierError {
  override readonly name = 'AccessDeniedError';
}

/** 503: the verifier lacks what it needs to decide. The token may well be good. */
export class VerifierUnavailableError extends VerifierError {
  override readonly name = 'VerifierUnavailableError';
}

/** The error of the class that belongs to the code. */
export function verifierError(code: VerifierErrorCode, options: VerifierErrorOptions = {}): VerifierError {
  const { status } = refusals[code];
  if (status === 503) return new VerifierUnavailableError(code, options);
  if (status === 403) return new AccessDeniedError(code, options);
  return new TokenRefusedError(code, options);
}

/** RFC 6750 §3: a Bearer challenge has at least one parameter; the realm stands in where there is no error. */
function challenge(error: string | undefined, description: string, options: VerifierErrorOptions): string {
  const parameters: string[] = [];
  if (error === undefined) parameters.push(`realm="${quotable(options.realm ?? 'access')}"`);
  else parameters.push(`error="${error}"`, `error_description="${description}"`);
  if (options.scope !== undefined) parameters.push(`scope="${quotable(options.scope)}"`);
  return `Bearer ${parameters.join(', ')}`;
}

/** Only what may stand inside a quoted-string without an escape (RFC 9110 §5.6.4). */
function quotable(value: string): string {
  return value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '');
}
