import type { AccessTokenClaims } from './claims.js';
import { verifierError } from './errors.js';

/** What a token must carry beyond being good: every one of those listed. */
export interface Requirements {
  scopes?: readonly string[];
  roles?: readonly string[];
  permissions?: readonly string[];
}

/** Refuses a good token that is not good for this, with the scope that would be (RFC 6750 §3.1). */
export function assertRequirements(claims: AccessTokenClaims, required: Requirements): void {
  const { scopes = [], roles = [], permissions = [] } = required;
  if (scopes.length > 0 && !hasAll(scopes, claims.scope?.split(' '))) {
    throw verifierError('scope_missing', { scope: scopes.join(' ') });
  }
  if (!hasAll(roles, claims.roles)) throw verifierError('role_missing');
  if (!hasAll(permissions, claims.permissions)) throw verifierError('permission_missing');
}

function hasAll(required: readonly string[], held: readonly string[] = []): boolean {
  return required.every((value) => held.includes(value));
}
