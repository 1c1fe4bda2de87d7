import jwt from 'jsonwebtoken';
import { JwksClient } from 'jwks-rsa';

const { ISSUER, AUDIENCE } = process.env;
const client = new JwksClient({ jwksUri: `${ISSUER}/.well-known/jwks.json`, rateLimit: true });

export async function verify(token) {
  const header = jwt.decode(token, { complete: true })?.header;
  // jsonwebtoken does not look at `typ`.
  if (header?.typ !== 'at+jwt') throw new Error('Not an access token');
  const key = await client.getSigningKey(header.kid);
  return jwt.verify(token, key.getPublicKey(), {
    algorithms: ['ES256', 'RS256'],
    issuer: ISSUER,
    audience: AUDIENCE,
  });
}
