/** What Node refuses by itself never becomes a Fastify request: it is answered on the socket, in the shape of all errors. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { asciiLowerCase } from '../oauth/ascii.js';
import { OAuthError, type OAuthErrorCode } from '../oauth/errors.js';
import { errorBody } from './errors.js';

type ParserError = Error & { code?: string };
type HeaderFields = Record<string, string>;

const codeByParserCode: Record<string, OAuthErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
};

const descriptions: Partial<Record<OAuthErrorCode, string>> = {
  request_timeout: 'The request did not arrive in time',
  headers_too_large: 'The header fields are too large',
};

/** For Fastify's `clientErrorHandler`: answers, if it still can, and closes the connection. */
export function refuseMalformed(log: FastifyBaseLogger, headers: HeaderFields) {
  return (error: ParserError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const code = codeByParserCode[error.code ?? ''] ?? 'invalid_request';
    const refusal = new OAuthError(code, {
      description: descriptions[code] ?? 'The request is not well-formed HTTP',
    });
    log.info(
      { code: error.code, status: refusal.status, address: socket.remoteAddress },
      'malformed request',
    );
    if (canAnswer(socket)) socket.write(rawAnswer(refusal, headers));
    socket.destroySoon();
  };
}

/** Node hangs the response in progress on the socket: once its head is out, anything more would be taken for its body. */
function canAnswer(socket: Socket & { _httpMessage?: ServerResponse }): boolean {
  return socket.writable && !socket._httpMessage?.headersSent;
}

function rawAnswer(refusal: OAuthError, headers: HeaderFields): string {
  const body = JSON.stringify(errorBody(refusal));
  const fields = Object.entries(answerFields(body, headers));
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${head}\r\n${body}`;
}

function answerFields(body: string, headers: HeaderFields): HeaderFields {
  return {
    ...headers,
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
}

/** RFC 9110 §10.1.1: an `Expect` other than `100-continue`. */
export function refuseExpectations(server: Server, headers: HeaderFields): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const refusal = new OAuthError('expectation_failed', { description: 'This expectation cannot be met' });
    const body = JSON.stringify(errorBody(refusal));
    response.writeHead(refusal.status, answerFields(body, headers)).end(body);
  });
}

/** RFC 9112 §3.2: exactly one. Node would refuse a missing one with an empty body, and takes the first of several. */
export function requireHost(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const count = hostFields(raw.rawHeaders);
    const problem = count > 1 ? 'Repeated' : count === 0 && raw.httpVersion === '1.1' ? 'Missing' : undefined;
    done(problem && new OAuthError('invalid_request', { description: `${problem} Host header` }));
  });
}

/** `rawHeaders`: names and values in turn. */
function hostFields(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && asciiLowerCase(name) === 'host') count += 1;
  }
  return count;
}
