/** Documents that are the same for everybody: readable from any page, kept by caches, not sent again to whoever has them. */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { withoutOptionalWhitespace } from '../oauth/ascii.js';

export interface PublicDocument {
  body: string;
  /** Quotes included (RFC 9110 §8.8.3). */
  etag: string;
  maxAgeSeconds: number;
}

const preflightMaxAgeSeconds = 86_400;

/** In place of the rules for requests with credentials, which have no part in these. */
export function publicHeaders(securityHeaders: Record<string, string>): Record<string, string> {
  return {
    ...securityHeaders,
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  };
}

type Send = (request: FastifyRequest, reply: FastifyReply, document: PublicDocument) => void;

/**
 * Answers with documents of one media type, or with 304 (RFC 9110 §13.1.2). The header fields are put together once for as long as
 * the document stays the same, and written as they are: for a document that every verifier asks for, they are most of the work.
 */
export function documentSender(headers: Record<string, string>, type: string): Send {
  let known: PublicDocument = { body: '', etag: '', maxAgeSeconds: 0 };
  let fields: string[] = [];
  let fieldsOfBody: string[] = [];
  return (request, reply, document) => {
    const { body, etag, maxAgeSeconds } = document;
    if (etag !== known.etag || maxAgeSeconds !== known.maxAgeSeconds) {
      known = document;
      const always = { ...headers, 'cache-control': `public, max-age=${maxAgeSeconds}`, etag };
      fields = Object.entries(always).flat();
      fieldsOfBody = [...fields, 'content-type', type, 'content-length', String(Buffer.byteLength(body))];
    }
    const { raw } = reply.hijack();
    if (matches(request.headers['if-none-match'], etag)) raw.writeHead(304, fields).end();
    else raw.writeHead(200, fieldsOfBody).end(body);
  };
}

/** Of what a document says, so that it is the same at every instance. */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}

/** RFC 9110 §13.1.2: weak comparison with each of a list, or `*`. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const candidates = header
    .split(',')
    .map(withoutOptionalWhitespace)
    .map((candidate) => (candidate.startsWith('W/') ? candidate.slice(2) : candidate));
  return candidates.includes(etag) || candidates.includes('*');
}

/** The preflight of a page whose request has header fields of its own. */
export function answerPreflight(app: FastifyInstance, path: string, headers: Record<string, string>): void {
  app.options(path, (_request, reply) => {
    reply
      .code(204)
      .headers(headers)
      .header('allow', 'GET, HEAD, OPTIONS')
      .header('access-control-allow-methods', 'GET, HEAD')
      .header('access-control-allow-headers', '*')
      .header('access-control-max-age', preflightMaxAgeSeconds)
      .send();
  });
}
