/** A user's own sessions. */
import { answer, bearer, type Operation, object, type Paths, refusals, schema } from './vocabulary.js';

const shared = { tags: ['Sessions'], security: [bearer()] };

const list: Operation = {
  ...shared,
  operationId: 'listSessions',
  summary: 'List your sessions, newest first',
  responses: {
    200: answer(
      'The sessions that can be refreshed',
      object({ sessions: { type: 'array', items: schema('Session') } }, ['sessions']),
    ),
    ...refusals(401, 403),
  },
};

const ended = { description: 'Ended: refresh tokens and access tokens are revoked' };

const end: Operation = {
  ...shared,
  operationId: 'endSession',
  summary: 'End one of your sessions',
  parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
  responses: { 204: ended, ...refusals(401, 403, 404) },
};

const endAll: Operation = {
  ...shared,
  operationId: 'endSessions',
  summary: 'End all of your sessions',
  parameters: [
    { name: 'keep', in: 'query', schema: { const: 'current' }, description: 'Spares the session that asks' },
  ],
  responses: { 204: ended, ...refusals(400, 401, 403) },
};

export const sessionPaths: Paths = {
  '/sessions': { get: list, delete: endAll },
  '/sessions/{id}': { delete: end },
};
