/** The HTTP side, assembled. It never listens: `main` does. */
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { TokenEndpoint } from '../grants/token-endpoint.js';
import type { IntrospectionEndpoint } from '../revocation/introspect.js';
import type { RevocationEndpoint } from '../revocation/revoke.js';
import { CookieDelivery } from './cookie-delivery.js';
import { allowRegisteredOrigins } from './cors.js';
import { registerErrors } from './errors.js';
import { acceptOnlyForms } from './form-body.js';
import { type HealthChecks, registerHealth } from './health.js';
import { noteMethods } from './methods.js';
import { registerIntrospect, registerRevoke } from './revoke.js';
import { registerToken } from './token.js';
import { registerWellKnown, type WellKnownDependencies } from './well-known.js';

export interface HttpDependencies extends WellKnownDependencies {
  config: Config;
  log: FastifyBaseLogger;
  clock: Clock;
  token: TokenEndpoint;
  revocation: RevocationEndpoint;
  introspection: IntrospectionEndpoint;
  health: HealthChecks;
}

const bodyLimitBytes = 16_384;
const headersLimitBytes = 16_384;
/** A request that has not arrived whole by then is cut off. */
const requestTimeoutMilliseconds = 5_000;

export async function buildHttp(dependencies: HttpDependencies): Promise<FastifyInstance> {
  const app = createApp(dependencies);
  registerErrors(app);
  await allowRegisteredOrigins(app, (origin) => dependencies.clients.hasOrigin(origin));
  const refuseOtherMethods = noteMethods(app);
  registerWellKnown(app, dependencies);
  registerHealth(app, dependencies.health);
  const cookies = new CookieDelivery(dependencies.clients, dependencies.clock);
  await app.register(async (forms) => {
    acceptOnlyForms(forms);
    registerToken(forms, { ...dependencies, cookies });
    registerRevoke(forms, dependencies.revocation, cookies);
    registerIntrospect(forms, dependencies.introspection);
  });
  await app.register(refuseOtherMethods);
  return app;
}

function createApp({ config, log }: HttpDependencies): FastifyInstance {
  return fastify({
    loggerInstance: log,
    disableRequestLogging: true,
    trustProxy: config.trustProxy === 'off' ? false : config.trustProxy,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMilliseconds,
    http: {
      maxHeaderSize: headersLimitBytes,
      headersTimeout: requestTimeoutMilliseconds,
      connectionsCheckingInterval: 1_000,
    },
  });
}
