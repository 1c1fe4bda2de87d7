/** Form-encoded bodies, and nothing else: passed on as they are, for `oauth/parameters` to parse. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { asciiLowerCase, withoutOptionalWhitespace } from '../oauth/ascii.js';
import { OAuthError } from '../oauth/errors.js';
import { Parameters } from '../oauth/parameters.js';

const formType = 'application/x-www-form-urlencoded';

/** On the routes of `app`, the body is a form; anything else is 415. */
export function acceptOnlyForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addHook('preParsing', (request, _reply, payload, done) => done(refusalOf(request), payload));
  app.addContentTypeParser<Buffer>(formType, { parseAs: 'buffer' }, (_request, body, done) => {
    // RFC 6749 appendix B: UTF-8. Decoding would put something else in the place of what is not.
    if (!isUtf8(body)) done(new OAuthError('invalid_request', { description: 'The body is not UTF-8' }));
    else done(null, body.toString('utf8'));
  });
}

/** Fastify would refuse another type, too, without a word about the right one. */
function refusalOf({ headers }: FastifyRequest): OAuthError | undefined {
  if (!hasBody(headers)) return undefined;
  if (mediaTypeOf(headers['content-type']) !== formType)
    return unsupported(`The body must be a form: ${formType}`);
  const encoding = withoutOptionalWhitespace(asciiLowerCase(headers['content-encoding'] ?? 'identity'));
  return encoding === 'identity' ? undefined : unsupported('The body must have no Content-Encoding');
}

function unsupported(description: string): OAuthError {
  return new OAuthError('unsupported_media_type', { description });
}

type BodyHeaders = FastifyRequest['headers'];

function hasBody(headers: BodyHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/**
 * Without its parameters: this type has none (WHATWG URL §5), and HTTP libraries add a `charset` of their own, which changes
 * nothing about the bytes of a form.
 */
function mediaTypeOf(contentType = ''): string {
  const end = contentType.indexOf(';');
  const essence = end < 0 ? contentType : contentType.slice(0, end);
  return asciiLowerCase(withoutOptionalWhitespace(essence));
}

/** The parameters of the body. What stands in the query is never one (RFC 6749 §2.3.1, §3.2). */
export function formParameters(request: FastifyRequest): Parameters {
  return Parameters.parse(typeof request.body === 'string' ? request.body : '');
}
