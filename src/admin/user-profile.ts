/** What a user brings into access tokens, and what a password must be. */
import Type, { type Static } from 'typebox';
import { customClaimsLimitBytes, customClaimsProblem } from '../oauth/claims.js';
import { isUuid } from '../oauth/uuid.js';
import { canonicalEmail, canonicalUsername } from '../users/identifiers.js';
import { passwordLimitBytes } from '../users/password-hasher.js';
import type { UserProfile } from '../users/user-administration.js';
import { invalid } from './refusals.js';

/** With the longest custom claims, scope and audiences, an access token still fits the 8 kB that servers allow a header. */
const rolesAndPermissionsLimitBytes = 1536;
const names = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern: '^[^\\s\\p{C}]{1,128}$' }), {
      description: `${description}, without spaces; roles and permissions together at most ${rolesAndPermissionsLimitBytes} bytes of JSON`,
    }),
  );

export const emailInput = Type.String({ maxLength: 320, description: 'Unique; stored in lower case' });

export const profileInput = {
  email: Type.Optional(emailInput),
  username: Type.Optional(
    Type.Union([Type.String({ maxLength: 128 }), Type.Null()], {
      description: 'Unique; letters, digits and `._-`; another name to log in with',
    }),
  ),
  roles: names('The claim `roles`'),
  permissions: names('The claim `permissions`'),
  org_id: Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 128 }), Type.Null()], {
      description: 'The claim `org_id`',
    }),
  ),
  claims: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: `More claims of the access token: a JSON object of at most ${customClaimsLimitBytes} bytes`,
    }),
  ),
};

const shortestPassword = 8;

export const passwordInput = {
  password: Type.String({
    description: `At least ${shortestPassword} characters, at most ${passwordLimitBytes} bytes`,
  }),
};

type ProfileInput = { [K in keyof typeof profileInput]?: Static<(typeof profileInput)[K]> };

/** The members that are there, in canonical form. Throws `invalid_request`. */
export function toProfile(input: ProfileInput): Partial<UserProfile> {
  const { email, username, roles, permissions, org_id, claims } = input;
  return {
    ...(email !== undefined && { email: checkedEmail(email) }),
    ...(username !== undefined && { username: username === null ? null : checkedUsername(username) }),
    ...(roles && { roles: distinct(roles) }),
    ...(permissions && { permissions: distinct(permissions) }),
    ...(org_id !== undefined && { orgId: org_id }),
    ...(claims && { custom: checkedClaims(claims) }),
  };
}

/** Throws `invalid_request` where an access token with it would be too long. */
export function checkLength({ roles, permissions }: Pick<UserProfile, 'roles' | 'permissions'>): void {
  if (Buffer.byteLength(JSON.stringify([roles, permissions])) > rolesAndPermissionsLimitBytes) {
    throw invalid(`roles and permissions: together at most ${rolesAndPermissionsLimitBytes} bytes of JSON`);
  }
}

/** NIST SP 800-63B §3.1.1.2: a length, counted in characters, and no rules of composition. */
export function checkedPassword(password: string): string {
  if ([...password.normalize('NFC')].length < shortestPassword) {
    throw invalid(`password: at least ${shortestPassword} characters`);
  }
  if (Buffer.byteLength(password) > passwordLimitBytes) {
    throw invalid(`password: at most ${passwordLimitBytes} bytes`);
  }
  return password;
}

function checkedEmail(value: string): string {
  const email = canonicalEmail(value);
  if (email === undefined) throw invalid('email: is no e-mail address');
  return email;
}

function checkedUsername(value: string): string {
  const username = canonicalUsername(value);
  if (username === undefined) {
    throw invalid('username: letters, digits and ._- only, beginning with a letter or digit, at most 64');
  }
  if (isUuid(username)) {
    throw invalid('username: has the form of an id');
  }
  return username;
}

function checkedClaims(claims: Record<string, unknown>): Record<string, unknown> {
  const problem = customClaimsProblem(claims);
  if (problem !== undefined) throw invalid(`claims: ${problem}`);
  return claims;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
