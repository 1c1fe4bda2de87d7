/** Every error leaves as RFC 6749 §5.2 has it, whatever threw it. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OAuthError, type OAuthErrorCode } from '../oauth/errors.js';

/** Fastify's own refusals. */
const codeByStatus: Record<number, OAuthErrorCode> = {
  404: 'not_found',
  408: 'request_timeout',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
  431: 'headers_too_large',
};

const descriptions: Partial<Record<OAuthErrorCode, string>> = {
  invalid_request: 'The request is malformed',
  payload_too_large: 'The body is too large',
  unsupported_media_type: 'The body has a type or encoding that is not accepted here',
};

export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  const { statusCode = 500, code: reason } = error instanceof Error ? (error as Partial<FastifyError>) : {};
  if (statusCode < 400 || statusCode >= 500) return new OAuthError('server_error', { cause: error });
  const code = codeByStatus[statusCode] ?? 'invalid_request';
  // Not Fastify's message: it repeats URLs, which may hold what somebody put into the wrong place.
  return new OAuthError(code, { reason: reason ?? code, description: descriptions[code] ?? 'Refused' });
}

/** RFC 6749 §5.2: `error_description` holds printable ASCII without `"` and `\`. */
function printable(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?');
}

export function errorBody(error: OAuthError): Record<string, string> {
  return {
    error: error.wireCode,
    ...(error.description && { error_description: printable(error.description) }),
    ...(error.refreshFailure && { reason: error.refreshFailure }),
  };
}

/** RFC 6749 §5.2 and RFC 6750 §3: a 401 says how to authenticate. */
function challenge({ code, status, wireCode }: OAuthError): string | undefined {
  if (code === 'invalid_client') return 'Basic realm="keyturn", charset="UTF-8"';
  if (code === 'invalid_token' || code === 'insufficient_scope')
    return `Bearer realm="keyturn", error="${wireCode}"`;
  return status === 401 ? 'Bearer realm="keyturn"' : undefined;
}

export function sendError(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  const error = toOAuthError(thrown);
  request.refusal = error;
  if (error.status >= 500) logFailure(request, error);
  const authenticate = challenge(error);
  if (authenticate) reply.header('www-authenticate', authenticate);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  return reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(errorBody(error));
}

/** A refusal is told by the request's own line in the log; a failure has more to say. */
function logFailure({ id, log }: FastifyRequest, error: OAuthError): void {
  const { code, message, cause } = error;
  log.error({ request_id: id, code, err: cause ?? error }, message);
}

export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  app.setNotFoundHandler((request, reply) => sendError(request, reply, notFound()));
}

function notFound(): OAuthError {
  return new OAuthError('not_found', { description: 'There is nothing at this path' });
}
