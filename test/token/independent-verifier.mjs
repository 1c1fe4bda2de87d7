// A resource server that knows nothing but the issuer's URL. Reads a token from stdin, prints its claims.
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const [issuer, audience] = process.argv.slice(2);
const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
if (metadata.issuer !== issuer) throw new Error('RFC 8414 §3.3: the issuer is not the one that was asked');
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const token = (await text(process.stdin)).trim();
const { payload, protectedHeader } = await jwtVerify(token, keys, {
  issuer,
  audience,
  typ: 'at+jwt',
  algorithms: ['ES256', 'RS256'],
  requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
});
process.stdout.write(JSON.stringify({ payload, protectedHeader }));
