/** Scope: a set of tokens, written as a space-separated string (RFC 6749 §3.3). */
import { OAuthError } from './errors.js';

const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/;

/** Scopes that this server itself understands. */
export const adminScope = 'keyturn:admin';
export const revocationsScope = 'revocations:read';
export const sessionsScope = 'keyturn:sessions';

export function isScopeToken(value: string): boolean {
  return scopeToken.test(value);
}

/** Parses `scope`. Throws `invalid_scope` where it does not follow RFC 6749 §3.3. */
export function parseScope(value: string): string[] {
  const tokens = value.split(' ');
  if (!tokens.every(isScopeToken))
    throw new OAuthError('invalid_scope', { description: 'The scope is malformed' });
  return [...new Set(tokens)];
}

export function isWithin(scope: readonly string[], allowed: readonly string[]): boolean {
  return scope.every((token) => allowed.includes(token));
}

export function scopeExceeded(): OAuthError {
  return new OAuthError('invalid_scope', { description: 'The scope exceeds what may be granted' });
}

/**
 * What is granted: exactly what was asked for, or `invalid_scope`. When nothing was asked for, all that is allowed, without
 * the admin scope: no application holds that by accident.
 */
export function grantScope(requested: readonly string[] | undefined, allowed: readonly string[]): string[] {
  if (!requested) return allowed.filter((token) => token !== adminScope);
  if (!isWithin(requested, allowed)) throw scopeExceeded();
  return [...requested];
}

/** A user gets the admin scope through a client that has it only with the permission of the same name. */
export function allowedToUser(clientScope: readonly string[], permissions: readonly string[]): string[] {
  return clientScope.filter((token) => token !== adminScope || permissions.includes(adminScope));
}
