/** Three verifiers as resource servers use them, each with the caches that it has by default, and one that keeps to the letter. */
import { createPublicKey } from 'node:crypto';
import getJwks from 'get-jwks';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  type JWTPayload,
  jwtVerify,
} from 'jose';
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
    { name: 'advertised age', verify: advertisedAgeVerifier(`${first}/.well-known/jwks.json`) },
    { name: 'get-jwks', verify: getJwksVerifier(getJwks(), second) },
    { name: 'get-jwks, forgetful', verify: getJwksVerifier(withoutStaleKeys(getJwks()), second) },
  ];
}

/** Asks for the key set when the one it has is as old as it was told, and never before: an unknown key is an unknown key. */
function advertisedAgeVerifier(url: string): NamedVerifier['verify'] {
  const fetchSet = async () => {
    const askedMs = Date.now();
    const response = await fetch(url);
    const maxAgeSeconds = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1]);
    const keys = createLocalJWKSet(JSON.parse(await response.text()));
    return { keys, staleMs: askedMs + maxAgeSeconds * 1000 };
  };
  let set: ReturnType<typeof fetchSet> | undefined;
  return async (token) => {
    if (!set || (await set).staleMs <= Date.now()) set = fetchSet();
    return (await jwtVerify(token, (await set).keys, options)).payload;
  };
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
