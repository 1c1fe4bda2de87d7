/** The keys of a set as the cryptography wants them: imported once each, kept while the set changes around them. */
import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { KeyProblem, KeySet } from './key-store.js';
import { keyState, type SigningAlg, type SigningKey } from './signing-key.js';

interface ImportedKey {
  readonly publicKey: CryptoKey;
  /** Absent: the key verifies but cannot sign. */
  readonly privateKey?: CryptoKey;
}

export class ImportedKeys {
  readonly #keys: ReadonlyMap<string, ImportedKey>;
  readonly problems: readonly KeyProblem[];

  private constructor(keys: ReadonlyMap<string, ImportedKey>, problems: readonly KeyProblem[]) {
    this.#keys = keys;
    this.problems = problems;
  }

  static readonly none = new ImportedKeys(new Map(), []);

  publicKey(kid: string): CryptoKey | undefined {
    return this.#keys.get(kid)?.publicKey;
  }

  privateKey(kid: string): CryptoKey | undefined {
    return this.#keys.get(kid)?.privateKey;
  }

  /**
   * Imports what the set has and these do not. A private half that was imported before and that the home can no longer
   * read stays in use: a damaged file must not stop a running server.
   */
  async following(set: KeySet, nowMs: number): Promise<ImportedKeys> {
    const keys = new Map<string, ImportedKey>();
    const problems: KeyProblem[] = [];
    for (const key of set.keys) {
      try {
        keys.set(key.kid, await this.#import(key, set.privateKeys.get(key.kid), nowMs));
      } catch {
        problems.push({ source: key.kid, kid: key.kid, message: `is not a valid ${key.alg} key` });
      }
    }
    return new ImportedKeys(keys, problems);
  }

  async #import(key: SigningKey, privateJwk: JWK | undefined, nowMs: number): Promise<ImportedKey> {
    const known = this.#keys.get(key.kid);
    const publicKey = known?.publicKey ?? (await importKey(key.publicJwk, key.alg));
    const state = keyState(key, nowMs);
    if (state !== 'next' && state !== 'active') return { publicKey };
    const privateKey = known?.privateKey ?? (privateJwk && (await importKey(privateJwk, key.alg)));
    return privateKey ? { publicKey, privateKey } : { publicKey };
  }
}

async function importKey(jwk: JWK, alg: SigningAlg): Promise<CryptoKey> {
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw new TypeError('a signing key is an asymmetric key');
  return key;
}
