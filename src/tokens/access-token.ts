/** The access token: a JWT as RFC 9068 has it, verified by anyone with the public keys. */
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { TokenIdentity } from '../blocklist/entry.js';
import type { JsonObject } from '../oauth/claims.js';
import { adminScope } from '../oauth/scope.js';

export const accessTokenType = 'at+jwt';

/** Signs with one key, which is in memory and ready. */
export interface Signer {
  /** A compact JWS with header `alg`, `kid` and `typ: at+jwt`. */
  sign(claims: JsonObject): Promise<string>;
}

export interface SigningKeys {
  /** Resolves when a change of the keys cannot have been missed, or after a moment, since signing goes on without their home. */
  upToDate(): Promise<void>;
  /** The key that signs now. Throws `temporarily_unavailable` when there is none. */
  signer(): Signer;
  /** Resolves the key that a token's header names, for `jwtVerify`. */
  verificationKey: JWTVerifyGetKey;
}

/** The claims of a valid access token. */
export interface AccessToken extends JWTPayload, TokenIdentity {
  jti: string;
  sub: string;
  sid?: string;
  iat: number;
  exp: number;
  client_id: string;
  scope?: string;
}

export function scopeOf({ scope }: Pick<AccessToken, 'scope'>): string[] {
  return scope?.split(' ') ?? [];
}

/** Whether a token is for `/admin`: then it is good nowhere else. The issuer is its only audience (RFC 9068 §4). */
export function isAdminToken(token: AccessToken): boolean {
  const [audience, ...others] = [token.aud].flat();
  return scopeOf(token).includes(adminScope) && audience === token.iss && others.length === 0;
}

export interface VerificationSettings {
  issuer: string;
  clockToleranceSeconds: number;
}

const requiredClaims = ['jti', 'sub', 'iat', 'exp', 'aud', 'client_id'];
/** More than any token of this server: the longest custom claims, roles and permissions. */
const tokenLengthLimit = 16_384;

/** Verifies this server's own access tokens: signature, issuer, type, lifetime; not the blocklist. */
export class AccessTokenVerifier {
  readonly #keys: SigningKeys;
  readonly #settings: VerificationSettings;

  constructor(keys: SigningKeys, settings: VerificationSettings) {
    this.#keys = keys;
    this.#settings = settings;
  }

  /** The claims, or undefined for whatever is not a valid access token of this server. */
  async verify(token: string): Promise<AccessToken | undefined> {
    if (token.length > tokenLengthLimit || !isCanonicalCompact(token)) return undefined;
    try {
      const { payload } = await jwtVerify<AccessToken>(token, this.#keys.verificationKey, {
        algorithms: ['ES256', 'RS256'],
        typ: accessTokenType,
        issuer: this.#settings.issuer,
        clockTolerance: this.#settings.clockToleranceSeconds,
        requiredClaims,
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}

/** Three parts of canonical base64url: decoders forgive stray bits and characters, but two strings must not be one token. */
function isCanonicalCompact(token: string): boolean {
  const parts = token.split('.');
  return (
    parts.length === 3 && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
  );
}
