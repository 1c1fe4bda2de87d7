// What the adapters for web frameworks have in common.
import type { AccessTokenClaims } from './claims.js';
import { VerifierError } from './errors.js';
import { checkRequirements, REQUIREMENTS, type Requirements } from './requirements.js';
import type { Verifier } from './verifier.js';

/** What a route asks of its requests. */
export interface GuardOptions extends Requirements {
  /** A request without a token passes, as nobody's; a bad token is still an error. */
  optional?: boolean;
}

/** Throws a TypeError where a route's guard is made, not at its first request. */
export function checkGuardOptions(options: GuardOptions): void {
  checkRequirements(options, [...REQUIREMENTS, 'optional']);
}

/** A refusal as the resource server answers it (RFC 6750 §3). */
export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: { error: string; error_description: string };
}

/** The claims of the request's token, nothing for a request without one where that is allowed, or the refusal to answer. */
export async function admit(
  verifier: Verifier,
  authorization: string | undefined,
  { optional = false, ...required }: GuardOptions,
): Promise<{ claims?: AccessTokenClaims; refusal?: Refusal }> {
  try {
    return { claims: await verifier.authenticate(authorization, required) };
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    return optional && error.code === 'token_missing' ? {} : { refusal: refusalAnswer(error) };
  }
}

function refusalAnswer(error: VerifierError): Refusal {
  const headers: Record<string, string> = {};
  if (error.wwwAuthenticate !== undefined) headers['www-authenticate'] = error.wwwAuthenticate;
  if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(error.retryAfterSeconds);
  const body = { error: error.error ?? 'invalid_token', error_description: error.message };
  return { status: error.status, headers, body };
}
