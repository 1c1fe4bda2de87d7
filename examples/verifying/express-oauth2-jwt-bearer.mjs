import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';

const { ISSUER, AUDIENCE } = process.env;

export function buildApp() {
  const app = express();
  // `strict` asks for `typ: at+jwt` and every claim of RFC 9068.
  app.use(
    auth({
      issuer: ISSUER,
      jwksUri: `${ISSUER}/.well-known/jwks.json`,
      audience: AUDIENCE,
      tokenSigningAlg: 'ES256',
      strict: true,
    }),
  );
  app.get('/', (request, response) => response.json(request.auth.payload));
  return app;
}
