/** Form-encoded bodies, and nothing else: handed on as they came, for `oauth/parameters` to parse. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OAuthError } from '../oauth/errors.js';
import { Parameters } from '../oauth/parameters.js';

const mediaType = 'application/x-www-form-urlencoded';
/** RFC 9110 §5.6.6: parameters may be empty. */
const acceptable = /^application\/x-www-form-urlencoded\s*(;\s*(charset="?utf-8"?\s*)?)*$/i;

/** On the routes of `app`, the body is a form; anything else is 415. */
export function acceptOnlyForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(mediaType, { parseAs: 'buffer' }, (request, body, done) => {
    const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
    if (!acceptable.test(type) || encoding.toLowerCase() !== 'identity')
      done(
        new OAuthError('unsupported_media_type', { description: `The body must be ${mediaType} in UTF-8` }),
      );
    // RFC 6749 appendix B: UTF-8. Decoding would put something else in the place of what is not.
    else if (!isUtf8(body)) done(new OAuthError('invalid_request', { description: 'The body is not UTF-8' }));
    else done(null, body.toString('utf8'));
  });
}

/** The parameters of the body. What stands in the query is never one (RFC 6749 §2.3.1, §3.2). */
export function formParameters(request: FastifyRequest): Parameters {
  return Parameters.parse(typeof request.body === 'string' ? request.body : '');
}
