/** Three verifiers as resource servers use them, each with the caches that it has by default. */
import { createPublicKey } from 'node:crypto';
import getJwks from 'get-jwks';
import { createRemoteJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import jwksRsa from 'jwks-rsa';

export interface NamedVerifier {
  readonly name: string;
  verify(token: string): Promise<JWTPayload>;
}

const options = { algorithms: ['ES256', 'RS256'], typ: 'at+jwt' };

/** @param servers the two instances' base URLs: tokens of each are verified with the key set of the other, too */
export function verifiers([first, second]: readonly [string, string]): NamedVerifier[] {
  const remoteSet = createRemoteJWKSet(new URL(`${first}/.well-known/jwks.json`));
  const rsaClient = jwksRsa({ jwksUri: `${second}/.well-known/jwks.json` });
  return [
    { name: 'jose', verify: async (token) => (await jwtVerify(token, remoteSet, options)).payload },
    {
      name: 'jwks-rsa',
      verify: async (token) => {
        const key = await rsaClient.getSigningKey(decodeProtectedHeader(token).kid);
        return verifyWithPem(token, key.getPublicKey());
      },
    },
    { name: 'get-jwks', verify: getJwksVerifier(getJwks(), second) },
    { name: 'get-jwks, forgetful', verify: getJwksVerifier(withoutStaleKeys(getJwks()), second) },
  ];
}

type GetJwks = ReturnType<typeof getJwks>;

function getJwksVerifier(jwks: GetJwks, domain: string): NamedVerifier['verify'] {
  return async (token) => {
    const { kid = '', alg = '' } = decodeProtectedHeader(token);
    return verifyWithPem(token, await jwks.getPublicKey({ kid, alg, domain }));
  };
}

/** get-jwks answers with the key that it had when the key set does not have it any more, and keeps it each time it does so. */
function withoutStaleKeys(jwks: GetJwks): GetJwks {
  jwks.staleCache.get = () => undefined;
  return jwks;
}

async function verifyWithPem(token: string, pem: string): Promise<JWTPayload> {
  return (await jwtVerify(token, createPublicKey(pem), options)).payload;
}
