import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

const PREFLIGHT_MAX_AGE_SECONDS = 600;

/**
 * CORS for the routes that browsers call with credentials. The allowed origin is exact and registered, never reflected and
 * never `null`; which client an origin belongs to is checked by the route itself, since a preflight does not name it.
 */
export async function allowRegisteredOrigins(
  app: FastifyInstance,
  isRegisteredOrigin: (origin: string) => Promise<boolean>,
): Promise<void> {
  await app.register(cors, {
    origin: (origin, decide) => {
      if (origin === undefined || origin === 'null') decide(null, false);
      else
        isRegisteredOrigin(origin).then(
          (isRegistered) => decide(null, isRegistered),
          (error) => decide(error, false),
        );
    },
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Keyturn-Request'],
    exposedHeaders: ['Retry-After', 'WWW-Authenticate'],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    // Its own refusal would be plain text.
    strictPreflight: false,
  });
}
