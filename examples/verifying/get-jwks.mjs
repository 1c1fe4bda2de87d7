import fastifyJwt from '@fastify/jwt';
import Fastify from 'fastify';
import buildGetJwks from 'get-jwks';

const { ISSUER, AUDIENCE } = process.env;
const jwks = buildGetJwks({ issuersWhitelist: [`${ISSUER}/`] });

export function buildApp() {
  const app = Fastify();
  app.register(fastifyJwt, {
    decode: { complete: true },
    // Never the `iss` of the token: it would say where to fetch its own key.
    secret: (_request, { header }) => jwks.getPublicKey({ domain: ISSUER, kid: header.kid, alg: header.alg }),
    verify: {
      algorithms: ['ES256', 'RS256'],
      allowedIss: ISSUER,
      allowedAud: AUDIENCE,
      checkTyp: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
    },
  });
  app.addHook('onRequest', (request) => request.jwtVerify());
  app.get('/', async (request) => request.user);
  return app;
}
