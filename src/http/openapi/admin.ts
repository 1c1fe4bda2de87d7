/** The admin operations, as their table has them. */
import type { Operation as AdminOperation } from '../../admin/operation.js';
import { adminScope } from '../../oauth/scope.js';
import { answer, bearer, content, type Json, type Operation, type Paths, refusals } from './vocabulary.js';

export function adminPaths(operations: readonly AdminOperation[]): Paths {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const operation of operations) {
    const path = `/admin${operation.path.replace(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return paths;
}

type Field = [name: string, schema: Json];

function describe({ name, method, path, summary, input, result }: AdminOperation): Operation {
  const inPath = (member: string) => path.split('/').includes(`:${member}`);
  const members = Object.entries(input.properties).map(([member, { ...field }]): Field => [member, field]);
  const isRequired = (member: string) => input.required?.includes(member) ?? false;
  const fields = members.filter(([member]) => !inPath(member));
  const parameters = members
    .filter(([member]) => inPath(member) || method === 'GET')
    .map(([member, schema]) =>
      parameter(member, schema, inPath(member) ? 'path' : 'query', isRequired(member)),
    );
  const done = answer('Done', { ...result });
  return {
    operationId: name,
    tags: ['Admin'],
    summary,
    security: [bearer(adminScope)],
    ...(parameters.length > 0 && { parameters }),
    ...(method !== 'GET' && fields.length > 0 && { requestBody: jsonBody(fields, isRequired) }),
    responses: {
      [name.endsWith('.create') ? 201 : 200]: done,
      ...refusals(400, 401, 403, 404, 409, 413, 415),
    },
  };
}

function parameter(
  name: string,
  { description, ...schema }: Json,
  location: 'path' | 'query',
  required: boolean,
) {
  return { name, in: location, required, ...(description !== undefined && { description }), schema };
}

function jsonBody(fields: readonly Field[], isRequired: (name: string) => boolean): Json {
  const required = fields.map(([name]) => name).filter(isRequired);
  const schema = {
    type: 'object',
    properties: Object.fromEntries(fields),
    additionalProperties: false,
    ...(required.length > 0 && { required }),
  };
  return { required: required.length > 0, content: content('application/json', schema) };
}
