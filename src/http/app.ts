/** The HTTP side, assembled. It never listens: `main` does. */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { AdminContext } from '../admin/context.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { TokenEndpoint } from '../grants/token-endpoint.js';
import type { RateTally } from '../limits/rate-tally.js';
import type { IntrospectionEndpoint } from '../revocation/introspect.js';
import type { RevocationEndpoint } from '../revocation/revoke.js';
import { version } from '../version.js';
import { registerAdmin } from './admin.js';
import { requireHost } from './client-error.js';
import { CookieDelivery } from './cookie-delivery.js';
import { allowRegisteredOrigins } from './cors.js';
import { createApp } from './create-app.js';
import { registerDocs, registerOpenApi } from './docs.js';
import { registerErrors, sendError } from './errors.js';
import { acceptOnlyForms } from './form-body.js';
import { closeConnectionsWhileDraining, type Health, registerHealth } from './health.js';
import { noteMethods } from './methods.js';
import type { Metrics } from './metrics.js';
import { registerMetrics } from './metrics-route.js';
import { openApiDocument } from './openapi/document.js';
import { publicHeaders } from './public-document.js';
import { logRequests } from './request-log.js';
import { requestLimit } from './request-rate.js';
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
  logRequests(app);
  dependencies.metrics.observe(app);
  closeConnectionsWhileDraining(app, dependencies.health);
  const { requestRatePerMinute } = dependencies.config;
  const limit =
    requestRatePerMinute > 0 && (await requestLimit(app, dependencies.requestTally, requestRatePerMinute));
  const description = JSON.stringify(openApiDocument(dependencies.issuer, version));
  const refuseOtherMethods = noteMethods(app);
  await app.register(async (documents) => {
    requireHost(documents);
    if (limit) documents.addHook('onRequest', limit);
    const forAnyPage = publicHeaders(headers);
    documents.setErrorHandler((error, request, reply) =>
      sendError(request, reply.headers(forAnyPage), error),
    );
    registerWellKnown(documents, dependencies, forAnyPage);
    registerOpenApi(documents, description, forAnyPage);
  });
  await app.register(async (guarded) => {
    registerErrors(guarded);
    secureEveryAnswer(guarded, headers);
    requireHost(guarded);
    await allowRegisteredOrigins(guarded, (origin) => dependencies.clients.hasOrigin(origin));
    // After CORS: preflights are not counted, and a page of another origin can read that it was too much.
    if (limit) guarded.addHook('onRequest', limit);
    await registerGuarded(guarded, dependencies);
    await guarded.register(refuseOtherMethods);
    await registerDocs(guarded, description);
  });
  return app;
}

/** HTTP libraries say `application/json` of requests that have no body, too. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, body, done);
  });
}

/** All but what is public and the same for everybody. */
async function registerGuarded(app: FastifyInstance, dependencies: HttpDependencies): Promise<void> {
  acceptEmptyJson(app);
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
}
