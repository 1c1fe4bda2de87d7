/** The admin operations over HTTP: every one mounted from the table. */
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import Type, { type TObject, type TProperties } from 'typebox';
import { Convert } from 'typebox/value';
import { requireAdmin } from '../admin/access.js';
import type { AdminContext } from '../admin/context.js';
import type { Operation } from '../admin/operation.js';
import { operations } from '../admin/operations.js';
import { Refusal } from '../admin/refusals.js';
import { adminScope } from '../oauth/scope.js';
import type { BearerAuthentication } from './bearer.js';
import { errorBody, sendError } from './errors.js';
import { noStore } from './token.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who does it, for the audit log: `cli`, or the id of a user or client. */
    admin: string;
  }
}

/** Answers the actor, or throws. */
export type Admit = (request: FastifyRequest) => Promise<string>;

/** On the server's own port: by an access token for it, for as long as its user or client may administer. */
export async function registerAdmin(
  app: FastifyInstance,
  context: AdminContext,
  bearer: BearerAuthentication,
): Promise<void> {
  const admit: Admit = async (request) => {
    const token = await bearer.authenticate(request);
    await requireAdmin(context, token);
    return token.sub;
  };
  const remote = operations.filter((operation) => !operation.local);
  await app.register(async (admin) => mount(admin, remote, context, admit), { prefix: '/admin' });
}

/** Mounts operations under `app`'s prefix. Bodies are JSON. */
export function mount(
  app: FastifyInstance,
  mounted: readonly Operation[],
  context: AdminContext,
  admit: Admit,
): void {
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('admin', '');
  // Before the body is read: strangers do not get that far.
  app.addHook('onRequest', async (request) => {
    request.admin = await admit(request);
  });
  // The schemas document; what checks them is the operation itself, for every transport alike.
  app.setValidatorCompiler(() => () => true);
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof Refusal)) return sendError(request, reply, error);
    return noStore(reply)
      .code(error.status)
      .send({ ...error.result, ...errorBody(error) });
  });
  for (const operation of mounted) app.route(routeOf(operation, context));
}

function routeOf(operation: Operation, context: AdminContext): RouteOptions {
  const status = operation.name.endsWith('.create') ? 201 : 200;
  return {
    method: operation.method,
    url: operation.path,
    schema: documentation(operation),
    handler: async (request, reply) => {
      const result = await operation.run(context, inputOf(operation, request), request.admin);
      return noStore(reply).code(status).send(result);
    },
  };
}

/** Path and query hold text: numbers and booleans in it are made such. */
function inputOf({ method, input }: Operation, { params, query, body }: FastifyRequest): unknown {
  const path: object = params ?? {};
  if (method === 'GET') return Convert(input, { ...(query ?? {}), ...path });
  if (body === undefined || body === null) return path;
  return typeof body === 'object' && !Array.isArray(body) ? { ...body, ...path } : body;
}

/** What OpenAPI says of the route. */
function documentation({ name, summary, method, path, input }: Operation) {
  const inPath = (member: string) => path.split('/').includes(`:${member}`);
  const params = part(input, inPath);
  const rest = part(input, (member) => !inPath(member));
  const has = (schema: TObject) => Object.keys(schema.properties).length > 0;
  return {
    operationId: name,
    summary,
    tags: ['admin'],
    security: [{ bearer: [adminScope] }],
    ...(has(params) && { params }),
    ...(has(rest) && { [method === 'GET' ? 'querystring' : 'body']: rest }),
  };
}

function part({ properties }: TObject, isIn: (member: string) => boolean): TObject {
  const members = Object.entries<TProperties[string]>(properties).filter(([member]) => isIn(member));
  return Type.Object(Object.fromEntries(members));
}
