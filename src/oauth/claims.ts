/** The claims of an access token: RFC 9068 §2.2, and what a user brings. */

/** A JSON object, as stored. */
export type JsonObject = { [name: string]: unknown };

/** Claims with a meaning of their own: no custom claim can override them (RFC 7519 §4.1, RFC 8693, RFC 9068, OpenID Connect). */
const protocolClaims = new Set(
  (
    'iss sub aud exp nbf iat jti client_id scope sid auth_time acr amr roles permissions ' +
    'groups entitlements org_id cnf act may_act azp nonce at_hash c_hash events typ ' +
    'token_type active username __proto__'
  ).split(' '),
);

export const customClaimsLimitBytes = 2048;

/** Why `claims` cannot be a user's custom claims, or undefined if they can. */
export function customClaimsProblem(claims: JsonObject): string | undefined {
  const taken = Object.keys(claims).find((name) => protocolClaims.has(name));
  if (taken !== undefined) return `the claim "${taken}" belongs to the protocol`;
  const text = JSON.stringify(claims);
  if (text.includes('\\u0000')) return 'claims cannot hold NUL characters';
  if (Buffer.byteLength(text) > customClaimsLimitBytes)
    return `claims exceed ${customClaimsLimitBytes} bytes`;
  return undefined;
}

/** The user's part of an access token. */
export interface UserClaims {
  roles: readonly string[];
  permissions: readonly string[];
  orgId: string | null;
  custom: JsonObject;
}

/** `claims` and, of the custom ones, those that do not take the name of a protocol claim. */
export function withCustomClaims(claims: JsonObject, custom: JsonObject): JsonObject {
  const added = Object.entries(custom).filter(([name]) => !protocolClaims.has(name));
  return added.length === 0 ? claims : { ...Object.fromEntries(added), ...claims };
}
