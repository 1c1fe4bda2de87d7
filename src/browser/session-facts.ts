// What an answer of the token server says about the session.
import { AuthError } from './errors.js';
import { text } from './request.js';
import type { Fact, SignedOutReason } from './state.js';

const REFRESH_AHEAD_SHARE = 0.1;
const MAX_REFRESH_AHEAD_MS = 30_000;
const REASONS = ['expired', 'revoked', 'reused', 'unknown'] as const;

/**
 * Reads a token response. The lifetime counts from `sentAt`, before the request, by this device's own clock: the
 * server's time of day does not matter.
 * @throws AuthError, temporary, when the answer holds no token: a captive portal says 200 too
 */
export function signedIn(body: Record<string, unknown>, sentAt: number): Fact {
  const accessToken = text(body.access_token);
  const lifetimeMs = Number(body.expires_in) * 1000;
  if (!accessToken || !(lifetimeMs > 0)) throw new AuthError('temporarily_unavailable');
  const expiresAt = sentAt + lifetimeMs;
  return {
    state: { status: 'signed_in', expiresAt, scope: text(body.scope) ?? '' },
    accessToken,
    refreshAt: expiresAt - Math.min(MAX_REFRESH_AHEAD_MS, lifetimeMs * REFRESH_AHEAD_SHARE),
    at: Date.now(),
  };
}

export function signedOut(reason: SignedOutReason): Fact {
  return { state: { status: 'signed_out', reason }, at: Date.now() };
}

/** Only the server's own word ends a session: `invalid_grant`, or that it does not accept the client. @throws any other error */
export function endOfSession(error: unknown): Fact {
  const isOver = error instanceof AuthError && (error.error === 'invalid_grant' || error.status === 401);
  if (!isOver) throw error;
  return signedOut(REASONS.find((known) => known === error.reason) ?? 'none');
}
