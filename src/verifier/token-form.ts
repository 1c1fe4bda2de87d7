// What is checked of a token before any cryptography: its length and its one canonical spelling.
import { verifierError } from './errors.js';

// One base64url part. The last character's unused bits are zero (RFC 4648 §3.5), so that a token has one spelling only:
// jose also takes padding, white space and stray bits, and then two strings are one token.
const PART =
  '(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{4}|[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])';
const COMPACT_JWS = new RegExp(`^${PART}\\.${PART}\\.${PART}$`);

/** Throws unless the token is a compact JWS of three non-empty parts in canonical base64url (RFC 7515 §7.1). */
export function assertTokenForm(token: string, maxTokenLength: number): void {
  if (typeof token !== 'string') throw verifierError('token_malformed');
  if (token.length > maxTokenLength) throw verifierError('token_too_long');
  if (!COMPACT_JWS.test(token)) throw verifierError('token_malformed');
}
