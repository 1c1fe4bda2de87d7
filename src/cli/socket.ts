/** Operations sent to the running server, over its admin socket. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Operation } from '../admin/operation.js';
import { Refusal } from '../admin/refusals.js';
import { adminSocketPath, isServed } from '../admin/socket-path.js';
import type { JsonObject } from '../oauth/claims.js';
import { OAuthError, type OAuthErrorCode } from '../oauth/errors.js';
import type { Transport } from './transport.js';

/** Undefined when nobody listens. */
export async function openSocket(dataDirectory: string): Promise<Transport | undefined> {
  if (!(await isServed(dataDirectory))) return undefined;
  const socketPath = adminSocketPath(dataDirectory);
  return {
    run: async (operation, input) => {
      const { status, body } = await send(socketPath, operation, input);
      if (status >= 400) throw errorOf(status, body);
      return body;
    },
    close: async () => undefined,
  };
}

/** Longer than any operation takes. */
const timeoutMilliseconds = 60_000;

interface Answer {
  status: number;
  body: JsonObject;
}

function send(socketPath: string, operation: Operation, input: JsonObject): Promise<Answer> {
  const { method } = operation;
  const { path, body } = requestOf(operation, input);
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(timeoutMilliseconds);
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false, signal }, (response) => {
      text(response)
        .then((answer) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) }))
        .catch(reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The request that the operation is mounted for. */
function requestOf({ method, path, input: schema }: Operation, input: JsonObject) {
  const inPath = (member: string) => path.split('/').includes(`:${member}`);
  const members = Object.entries(input);
  const filled = path.replace(/:(\w+)/g, (_match, member: string) =>
    encodeURIComponent(String(input[member])),
  );
  const rest = members.filter(([member]) => member in schema.properties && !inPath(member));
  if (method !== 'GET') {
    const body = rest.length === 0 ? undefined : JSON.stringify(Object.fromEntries(rest));
    return { path: `/admin${filled}`, body };
  }
  const query = new URLSearchParams(rest.map(([member, value]): [string, string] => [member, String(value)]));
  return { path: `/admin${filled}?${query}`, body: undefined };
}

const codeByStatus: Record<number, OAuthErrorCode> = {
  400: 'invalid_request',
  404: 'not_found',
  409: 'conflict',
  503: 'temporarily_unavailable',
};

function errorOf(
  status: number,
  { error: _error, error_description: text, ...result }: JsonObject,
): OAuthError {
  const description = typeof text === 'string' ? text : 'The server failed: see its log';
  if (Object.keys(result).length > 0) return new Refusal(description, result);
  return new OAuthError(codeByStatus[status] ?? 'server_error', { description });
}
