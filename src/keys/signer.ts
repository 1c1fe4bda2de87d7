/** What signs access tokens. */
import { KeyObject, sign as signBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { CryptoKey, JWTPayload } from 'jose';
import type { SigningAlg } from './signing-key.js';

/** The active key, ready to sign: imported once, looked up without waiting. */
export interface Signer {
  readonly kid: string;
  readonly alg: SigningAlg;
  /**
   * Signs claims as a compact JWS.
   * @param options.typ the header's `typ`; `at+jwt` unless told otherwise (RFC 9068 §2.1)
   */
  sign(claims: JWTPayload, options?: { typ?: string }): Promise<string>;
}

type SignBytes = (key: KeyObject, data: Buffer) => Buffer | Promise<Buffer>;

const signInThreadPool = promisify(signBytes);

/**
 * ES256 takes less time than the way to the thread pool and back, and the pool's four threads are also those that hash
 * passwords: a burst of logins would hold up every token. RS256 takes twenty times as long, so it does go there.
 */
const signatures: Record<SigningAlg, SignBytes> = {
  // RFC 7518 §3.4: the two integers side by side, not DER.
  ES256: (key, data) => signBytes('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  RS256: (key, data) => signInThreadPool('sha256', data, key),
};

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** @param onSign told of every signature, to count the tokens that depend on the key: it must be cheap */
export function createSigner(
  kid: string,
  alg: SigningAlg,
  privateKey: CryptoKey,
  onSign: () => void,
): Signer {
  const key = KeyObject.from(privateKey);
  const accessTokenHeader = encoded({ alg, kid, typ: 'at+jwt' });
  const headerFor = (typ: string) => (typ === 'at+jwt' ? accessTokenHeader : encoded({ alg, kid, typ }));
  return {
    kid,
    alg,
    /** RFC 7515 §3.1, §5.1. */
    async sign(claims, { typ = 'at+jwt' } = {}) {
      onSign();
      const signed = `${headerFor(typ)}.${encoded(claims)}`;
      const signature = await signatures[alg](key, Buffer.from(signed));
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}
