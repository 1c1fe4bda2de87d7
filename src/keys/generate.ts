/** Makes signing keys. */
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { RandomBytes } from '../secrets.js';
import type { PublicJwk, SigningAlg, SigningKey } from './signing-key.js';

/** A key with its private half, on the way to its home. */
export interface GeneratedKey {
  readonly key: SigningKey;
  readonly privateJwk: JWK;
}

export interface GenerateOptions {
  alg: SigningAlg;
  nowMs: number;
  accessTokenTtlSeconds: number;
  randomBytes: RandomBytes;
  /** `null` makes a `next` key that waits for a rotation. */
  activatesAtMs?: number | null;
}

/** A new key, published from now on. */
export async function generateSigningKey(options: GenerateOptions): Promise<GeneratedKey> {
  const { alg, nowMs } = options;
  const kid = newKid(alg, nowMs, options.randomBytes);
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const privateJwk = { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' };
  const key: SigningKey = {
    kid,
    alg,
    publicJwk: toPublicJwk(privateJwk, kid, alg),
    publishedAtMs: nowMs,
    activatesAtMs: options.activatesAtMs ?? null,
    retiresAtMs: null,
    removesAtMs: null,
    revokedAtMs: null,
    revocationReason: null,
    longestTokenTtlSeconds: options.accessTokenTtlSeconds,
  };
  return { key, privateJwk };
}

/**
 * The public members of a key and nothing else: named one by one, so that a private one cannot slip through.
 * @throws Error when a member is missing or the type does not fit the algorithm
 */
export function toPublicJwk(jwk: JWK, kid: string, alg: SigningAlg): PublicJwk {
  const { crv, x, y, n, e } = jwk;
  if (alg === 'ES256' && jwk.kty === 'EC' && crv === 'P-256' && x && y)
    return { kty: 'EC', crv, x, y, kid, alg, use: 'sig' };
  if (alg === 'RS256' && jwk.kty === 'RSA' && n && e) return { kty: 'RSA', n, e, kid, alg, use: 'sig' };
  throw new Error(`not a public key for ${alg}`);
}

/** Reads as what it is in a log and on a command line: `es256-20261122-k3v9qdtm`. */
function newKid(alg: SigningAlg, nowMs: number, randomBytes: RandomBytes): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '');
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
  const suffix = Array.from(randomBytes(10), (byte) => letters[byte % letters.length]).join('');
  return `${alg.toLowerCase()}-${day}-${suffix}`;
}
