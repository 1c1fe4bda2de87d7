/** The HTTP side, assembled. It never listens: `main` does. */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { AdminContext } from '../admin/context.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { TokenEndpoint } from '../grants/token-endpoint.js';
import type { RateTally } from '../limits/rate-counter.js';
import type { IntrospectionEndpoint } from '../revocation/introspect.js';
import type { RevocationEndpoint } from '../revocation/revoke.js';
import { version } from '../version.js';
import { registerAdmin } from './admin.js';
import { requireHost } from './client-error.js';
import { CookieDelivery } from './cookie-delivery.js';
import { allowRegisteredOrigins } from './cors.js';
import { createApp } from './create-app.js';
import { registerDocs, registerOpenApi } from './docs.js';
import { registerErrors } from './errors.js';
import { acceptOnlyForms } from './form-body.js';
import { type Health, registerHealth } from './health.js';
import { noteMethods } from './methods.js';
import type { Metrics } from './metrics.js';
import { registerMetrics } from './metrics-route.js';
import { openApiDocument } from './openapi/document.js';
import { logRequests } from './request-log.js';
import { limitRequests } from './request-rate.js';
import { type RevocationsDependencies, registerRevocations } from './revocations.js';
import { registerIntrospect, registerRevoke } from './revoke.js';
import { secureEveryAnswer, securityHeaders } from './security-headers.js';
import { registerSessions, type SessionsDependencies } from './sessions.js';
import { registerToken } from './token.js';
import { dropUnusedConnections } from './unused-connections.js';
import { registerWellKnown, type WellKnownDependencies } from './well-known.js';

export interface HttpDependencies
  extends WellKnownDependencies,
    RevocationsDependencies,
    SessionsDependencies {
  config: Config;
  log: FastifyBaseLogger;
  clock: Clock;
  token: TokenEndpoint;
  revocation: RevocationEndpoint;
  introspection: IntrospectionEndpoint;
  health: Health;
  metrics: Metrics;
  requestTally: RateTally;
  admin: AdminContext;
}

export async function buildHttp(dependencies: HttpDependencies): Promise<FastifyInstance> {
  const headers = securityHeaders(dependencies.issuer.startsWith('https:'));
  const app = createApp(dependencies, headers);
  dropUnusedConnections(app);
  registerErrors(app);
  secureEveryAnswer(app, headers);
  logRequests(app);
  requireHost(app);
  dependencies.metrics.observe(app);
  await allowRegisteredOrigins(app, (origin) => dependencies.clients.hasOrigin(origin));
  const { requestRatePerMinute } = dependencies.config;
  if (requestRatePerMinute > 0) await limitRequests(app, dependencies.requestTally, requestRatePerMinute);
  const refuseOtherMethods = noteMethods(app);
  registerWellKnown(app, dependencies);
  registerHealth(app, dependencies.health);
  registerMetrics(app, dependencies.metrics);
  registerRevocations(app, dependencies);
  registerSessions(app, dependencies);
  const cookies = new CookieDelivery(dependencies.clients, dependencies.clock);
  await app.register(async (forms) => {
    acceptOnlyForms(forms);
    registerToken(forms, { ...dependencies, cookies });
    registerRevoke(forms, dependencies.revocation, cookies);
    registerIntrospect(forms, dependencies.introspection);
  });
  await registerAdmin(app, dependencies.admin, dependencies.bearer);
  const document = JSON.stringify(openApiDocument(dependencies.issuer, version));
  registerOpenApi(app, document);
  await app.register(refuseOtherMethods);
  await registerDocs(app, document);
  return app;
}
