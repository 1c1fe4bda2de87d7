/** What signs access tokens. */
import { CompactSign, type CryptoKey, type JWTPayload } from 'jose';
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

const encoder = new TextEncoder();

/**
 * Signs by `CompactSign`: `SignJWT` copies and checks claims that this server has just made, for 12 % of the rate.
 * @param onSign told of every signature, to count the tokens that depend on the key: it must be cheap
 */
export function createSigner(
  kid: string,
  alg: SigningAlg,
  privateKey: CryptoKey,
  onSign: () => void,
): Signer {
  const accessTokenHeader = { alg, kid, typ: 'at+jwt' };
  const headerFor = (typ: string) => (typ === 'at+jwt' ? accessTokenHeader : { alg, kid, typ });
  return {
    kid,
    alg,
    sign(claims, options) {
      onSign();
      return new CompactSign(encoder.encode(JSON.stringify(claims)))
        .setProtectedHeader(headerFor(options?.typ ?? 'at+jwt'))
        .sign(privateKey);
    },
  };
}
