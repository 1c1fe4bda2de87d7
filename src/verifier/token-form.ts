// What is checked of a token before any cryptography: its length and its one canonical spelling.
import { verifierError } from './errors.js';

const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** By a part's length modulo 4: what its last character may be, for its unused bits are zero (RFC 4648 §3.5). */
const lastCharacters = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048'];

/**
 * Throws unless the token is a compact JWS of three non-empty parts in canonical base64url (RFC 7515 §7.1), so that a token
 * has one spelling only: jose also takes padding, white space and stray bits, and then two strings are one token.
 */
export function assertTokenForm(token: string, maxTokenLength: number): void {
  if (typeof token !== 'string') throw verifierError('token_malformed');
  if (token.length > maxTokenLength) throw verifierError('token_too_long');
  if (!COMPACT_JWS.test(token) || !endsCanonically(token)) throw verifierError('token_malformed');
}

/** Whether each part of a token of the right shape ends as base64url does. */
function endsCanonically(token: string): boolean {
  const payload = token.indexOf('.') + 1;
  const signature = token.indexOf('.', payload) + 1;
  return (
    isCanonical(token, 0, payload - 1) &&
    isCanonical(token, payload, signature - 1) &&
    isCanonical(token, signature, token.length)
  );
}

function isCanonical(token: string, start: number, end: number): boolean {
  const allowed = lastCharacters[(end - start) % 4];
  return allowed === undefined || allowed.includes(token.charAt(end - 1));
}
