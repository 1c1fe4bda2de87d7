import { type CryptoKey, importJWK, type JWK } from 'jose';
import { isRecord } from './http.js';
import type { SignatureAlgorithm } from './options.js';

export interface VerificationKey {
  alg: string;
  key: CryptoKey;
}

/** The public parameters of each algorithm's keys, so that nothing else of a JWK is ever imported. */
const parametersByAlgorithm = {
  ES256: { kty: 'EC', names: ['kty', 'crv', 'x', 'y'] },
  RS256: { kty: 'RSA', names: ['kty', 'n', 'e'] },
} as const;

const MIN_RSA_BITS = 2048;

/**
 * The usable keys of a JWK Set (RFC 7517 §5) by `kid`. Keys of unknown kinds, for other uses, without `kid` or `alg`, or
 * malformed ones are left out. Throws when the document is no JWK Set.
 */
export async function importKeySet(
  body: unknown,
  algorithms: readonly SignatureAlgorithm[],
): Promise<Map<string, VerificationKey>> {
  if (!isRecord(body) || !Array.isArray(body.keys)) throw new Error('The key set is no JWK Set');
  const imported = await Promise.all(body.keys.map((jwk: unknown) => importKey(jwk, algorithms)));
  return new Map(imported.filter((entry) => entry !== undefined));
}

async function importKey(
  jwk: unknown,
  algorithms: readonly SignatureAlgorithm[],
): Promise<[string, VerificationKey] | undefined> {
  if (!isRecord(jwk)) return undefined;
  const { kid, use = 'sig' } = jwk;
  const alg = algorithms.find((algorithm) => algorithm === jwk.alg);
  if (typeof kid !== 'string' || alg === undefined || use !== 'sig') return undefined;
  const key = await importPublicKey(jwk, alg).catch(() => undefined);
  return key && isStrong(key) ? [kid, { alg, key }] : undefined;
}

async function importPublicKey(
  jwk: Record<string, unknown>,
  alg: SignatureAlgorithm,
): Promise<CryptoKey | undefined> {
  const { kty, names } = parametersByAlgorithm[alg];
  if (jwk.kty !== kty) return undefined;
  const parameters: JWK = { kty };
  for (const name of names) parameters[name] = String(jwk[name]);
  const key = await importJWK(parameters, alg);
  return key instanceof Uint8Array ? undefined : key;
}

function isStrong({ algorithm }: CryptoKey): boolean {
  return !('modulusLength' in algorithm) || Number(algorithm.modulusLength) >= MIN_RSA_BITS;
}
