import type { JWTPayload } from 'jose';
import { verifierError } from './errors.js';

/** The claims of keyturn's access tokens (RFC 9068 §2.2). Times are in seconds since the Unix epoch. */
export interface AccessTokenClaims {
  iss: string;
  /** The user's id; for `client_credentials` the client's id. */
  sub: string;
  aud: string | string[];
  exp: number;
  iat: number;
  jti: string;
  client_id: string;
  /** Space-delimited. */
  scope?: string;
  /** The session, for users. */
  sid?: string;
  /** When the user authenticated. */
  auth_time?: number;
  roles?: string[];
  permissions?: string[];
  org_id?: string;
  /** The user's custom claims. */
  [claim: string]: unknown;
}

/** RFC 9068 §2.2: the claims that every access token has. */
export const REQUIRED_CLAIMS = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'];

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value.length > 0;
const isString: Check = (value) => typeof value === 'string';
const isTextList: Check = (value) => Array.isArray(value) && value.every(isText);
// A JSON number such as 1e400 is read as Infinity, which no clock ever reaches.
const isNumericDate: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;

const checks = Object.entries({
  iss: isText,
  sub: isText,
  aud: (value) => isText(value) || isTextList(value),
  exp: isNumericDate,
  iat: isNumericDate,
  nbf: isNumericDate,
  auth_time: isNumericDate,
  jti: isText,
  client_id: isText,
  sid: isText,
  scope: isString,
  roles: isTextList,
  permissions: isTextList,
  org_id: isText,
} satisfies Record<string, Check>);

/** That each known claim has its type. Presence of the required ones has been checked before; the others may be absent. */
export function assertClaimTypes(payload: JWTPayload): asserts payload is AccessTokenClaims {
  for (const [claim, isValid] of checks) {
    const value = payload[claim];
    if (value !== undefined && !isValid(value)) throw verifierError('claim_invalid');
  }
}
