import type { AccessTokenClaims } from './claims.js';
import { verifierError } from './errors.js';
import { isRecord } from './http.js';

/** What a token must carry beyond being good: every one of those listed. */
export interface Requirements {
  scopes?: readonly string[];
  roles?: readonly string[];
  permissions?: readonly string[];
}

export const REQUIREMENTS = ['scopes', 'roles', 'permissions'] as const satisfies (keyof Requirements)[];

/**
 * Throws a TypeError for requirements that cannot be meant: a misspelt member would require nothing, and let every
 * token pass. `known` names the members that the caller reads.
 */
export function checkRequirements(required: unknown, known: readonly string[] = REQUIREMENTS): void {
  if (!isRecord(required)) throw new TypeError('The requirements must be an object');
  for (const [member, value] of Object.entries(required)) {
    if (!known.includes(member)) {
      throw new TypeError(`Unknown requirement "${member}": use ${known.join(', ')}`);
    }
    const isList = (REQUIREMENTS as readonly string[]).includes(member);
    if (isList && value !== undefined && !isTextList(value)) {
      throw new TypeError(`The requirement "${member}" must be an array of non-empty strings`);
    }
  }
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

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item.length > 0);
}
