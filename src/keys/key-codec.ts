/** A signing key's public description as JSON, the same in every home: times as ISO 8601, for the people who look. */
import type { JWK } from 'jose';
import { toPublicJwk } from './generate.js';
import { type SigningAlg, type SigningKey, signingAlgs } from './signing-key.js';

export interface EncodedKey {
  kid: string;
  alg: string;
  publicJwk: Record<string, string>;
  publishedAt: string;
  activatesAt: string | null;
  retiresAt: string | null;
  removesAt: string | null;
  revokedAt: string | null;
  revocationReason: string | null;
  longestTokenTtlSeconds: number;
}

export function encodeKey(key: SigningKey): EncodedKey {
  return {
    kid: key.kid,
    alg: key.alg,
    publicJwk: { ...key.publicJwk },
    publishedAt: new Date(key.publishedAtMs).toISOString(),
    activatesAt: encodeTime(key.activatesAtMs),
    retiresAt: encodeTime(key.retiresAtMs),
    removesAt: encodeTime(key.removesAtMs),
    revokedAt: encodeTime(key.revokedAtMs),
    revocationReason: key.revocationReason,
    longestTokenTtlSeconds: key.longestTokenTtlSeconds,
  };
}

/** @throws Error that says which member is wrong, and not what it contains */
export function decodeKey(value: unknown): SigningKey {
  const record = asRecord(value);
  const kid = decodeKid(record.kid);
  const alg = decodeAlg(record.alg);
  const { longestTokenTtlSeconds, revocationReason } = record;
  if (typeof longestTokenTtlSeconds !== 'number') throw new Error('has no longestTokenTtlSeconds');
  return {
    kid,
    alg,
    publicJwk: toPublicJwk(asRecord(record.publicJwk), kid, alg),
    publishedAtMs: decodeTime(record, 'publishedAt') ?? 0,
    activatesAtMs: decodeTime(record, 'activatesAt'),
    retiresAtMs: decodeTime(record, 'retiresAt'),
    removesAtMs: decodeTime(record, 'removesAt'),
    revokedAtMs: decodeTime(record, 'revokedAt'),
    revocationReason: typeof revocationReason === 'string' ? revocationReason : null,
    longestTokenTtlSeconds,
  };
}

/**
 * Checks that a private key is the other half of this key and nothing else.
 * @throws Error that says what is wrong, and not what it contains
 */
export function decodePrivateJwk(value: unknown, key: SigningKey): JWK {
  const jwk: JWK = asRecord(value);
  const publicHalf = toPublicJwk(jwk, key.kid, key.alg);
  if (jwk.kid !== key.kid || JSON.stringify(publicHalf) !== JSON.stringify(key.publicJwk))
    throw new Error('belongs to another key');
  if (typeof jwk.d !== 'string') throw new Error('has no private half');
  return jwk;
}

/** @throws Error when the value is not a JSON object */
export function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('is not an object');
  return Object.fromEntries(Object.entries(value));
}

function encodeTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

function decodeTime(record: Record<string, unknown>, member: string): number | null {
  const value = record[member];
  if (value === null || value === undefined) return null;
  const timeMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(timeMs)) throw new Error(`has no valid ${member}`);
  return timeMs;
}

/** A `kid` becomes a file's name. */
function decodeKid(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(value)) throw new Error('has no valid kid');
  return value;
}

function decodeAlg(value: unknown): SigningAlg {
  const alg = signingAlgs.find((known) => known === value);
  if (!alg) throw new Error('has no valid alg');
  return alg;
}
