// What is checked of a token before any cryptography: its length and its one canonical spelling.
import { verifierError } from './errors.js';

const COMPACT_JWS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
/** By a part's length modulo 4: its last character, whose unused bits are zero (RFC 4648 §3.5). */
const lastCharacters = [/^/, /^(?!)/, /[AQgw]$/, /[AEIMQUYcgkosw048]$/];

/**
 * Throws unless the token is a compact JWS of three non-empty parts in canonical base64url (RFC 7515 §7.1), so that a token
 * has one spelling only: jose also takes padding, white space and stray bits, and then two strings are one token.
 */
export function assertTokenForm(token: string, maxTokenLength: number): void {
  if (typeof token !== 'string') throw verifierError('token_malformed');
  if (token.length > maxTokenLength) throw verifierError('token_too_long');
  const [, ...parts] = COMPACT_JWS.exec(token) ?? [];
  if (parts.length !== 3 || !parts.every(isCanonical)) throw verifierError('token_malformed');
}

function isCanonical(part: string): boolean {
  return lastCharacters[part.length % 4]?.test(part.slice(-1)) ?? false;
}
