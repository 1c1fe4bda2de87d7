/** The Fastify server itself: its limits, and what answers before any route is found. */
import { randomBytes } from 'node:crypto';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Config } from '../config.js';
import { refuseExpectations, refuseMalformed } from './client-error.js';
import { sendError } from './errors.js';
import { logRequest } from './request-log.js';

const bodyLimitBytes = 16_384;
const headersLimitBytes = 16_384;
/** For the longest e-mail address in a path, every character of it escaped. */
export const pathMemberLimit = 4_096;
/** A request that has not arrived whole by then is cut off. */
const requestTimeoutMilliseconds = 5_000;
/** Longer than the proxies in front (60 s is their custom): a connection closed at both ends at once is a failed request. */
const keepAliveMilliseconds = 75_000;
/** While closing. */
const idleCheckMilliseconds = 50;

export function createApp(
  { config, log }: { config: Config; log: FastifyBaseLogger },
  headers: Record<string, string>,
): FastifyInstance {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for every request is a twentieth of a small answer: the lines that are ours name the request themselves.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIds(),
    trustProxy: config.trustProxy === 'off' ? false : config.trustProxy,
    bodyLimit: bodyLimitBytes,
    routerOptions: { maxParamLength: pathMemberLimit },
    requestTimeout: requestTimeoutMilliseconds,
    keepAliveTimeout: keepAliveMilliseconds,
    // Whoever still has a connection to a server that is closing is served, and told to close it.
    return503OnClosing: false,
    http: {
      maxHeaderSize: headersLimitBytes,
      requireHostHeader: false,
      headersTimeout: requestTimeoutMilliseconds,
      connectionsCheckingInterval: 1_000,
    },
    // A path with a malformed escape, or a parameter of absurd length: no hook runs for these.
    frameworkErrors: (error, request, reply) => {
      sendError(request, reply.headers(headers), error);
      logRequest(request, reply);
    },
    clientErrorHandler: refuseMalformed(log, headers),
  });
  refuseExpectations(app.server, headers);
  leaveNoIdleConnections(app);
  return app;
}

/** Unique across instances, and cheap. */
function requestIds(): () => string {
  const instance = randomBytes(6).toString('base64url');
  let count = 0;
  return () => {
    count += 1;
    return `${instance}-${count.toString(36)}`;
  };
}

/** A closing server waits for its connections; one whose last request was answered would keep it for a whole keep-alive. */
function leaveNoIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', (done) => {
    const timer = setInterval(() => app.server.closeIdleConnections(), idleCheckMilliseconds);
    app.server.once('close', () => clearInterval(timer));
    done();
  });
}
