/** The `Authorization` header (RFC 9110 §11.4): a scheme, spaces, credentials. Taken apart by index: it comes from anybody. */
import { asciiLowerCase } from './ascii.js';

/** @returns what follows the scheme, or undefined for another scheme; empty when nothing follows */
export function credentialsOf(
  authorization: string | undefined,
  scheme: 'basic' | 'bearer',
): string | undefined {
  if (authorization === undefined) return undefined;
  const { length } = scheme;
  if (asciiLowerCase(authorization.slice(0, length)) !== scheme) return undefined;
  if (authorization.length > length && authorization[length] !== ' ') return undefined;
  let start = length;
  let end = authorization.length;
  while (authorization[start] === ' ') start += 1;
  while (end > start && authorization[end - 1] === ' ') end -= 1;
  return authorization.slice(start, end);
}
