/** What resource servers read: keys, metadata, revocations. */
import { revocationsScope } from '../../oauth/scope.js';
import {
  answer,
  basicAuthentication,
  bearer,
  content,
  forEverybody,
  type Operation,
  object,
  type Paths,
  refusals,
  schema,
  string,
} from './vocabulary.js';

const tags = ['Resource servers'];

const ifNoneMatch = { name: 'If-None-Match', in: 'header', schema: { type: 'string' } };
const notModified = { description: 'What the entity tag names is still current' };

const keySet: Operation = {
  operationId: 'keys',
  tags,
  security: forEverybody,
  summary: 'The keys that verify access tokens',
  description:
    'RFC 7517. A key is published long before it signs, and until the last token it signed has expired.',
  parameters: [ifNoneMatch],
  responses: {
    200: {
      description: 'A JWK Set',
      content: content(
        'application/jwk-set+json',
        object({ keys: { type: 'array', items: { type: 'object' } } }, ['keys']),
      ),
    },
    304: notModified,
    ...refusals(),
  },
};

const metadata: Operation = {
  operationId: 'metadata',
  tags,
  security: forEverybody,
  summary: 'What this server is and can do',
  description: 'RFC 8414.',
  parameters: [ifNoneMatch],
  responses: {
    200: answer('Authorization server metadata', object({ issuer: string('This server') }, ['issuer'])),
    304: notModified,
    ...refusals(),
  },
};

const feedPage = object(
  {
    entries: { type: 'array', items: schema('Revocation') },
    cursor: string('For `after`: what has been read so far'),
    more: { type: 'boolean', description: 'Whether there is more after this page' },
    heartbeat_seconds: { type: 'integer', description: 'A stream is silent for no longer than this' },
  },
  ['entries', 'cursor', 'more', 'heartbeat_seconds'],
);

const feed: Operation = {
  operationId: 'revocations',
  tags,
  summary: 'Follow what is revoked',
  description:
    'For clients with the scope `revocations:read`. As pages, or with `Accept: text/event-stream` as a stream of `revocation` and `heartbeat` events.',
  security: [basicAuthentication, bearer(revocationsScope)],
  parameters: [
    {
      name: 'after',
      in: 'query',
      schema: { type: 'string' },
      description: 'The cursor; absent: from the beginning',
    },
    {
      name: 'Last-Event-ID',
      in: 'header',
      schema: { type: 'string' },
      description: 'The cursor of a stream',
    },
    ifNoneMatch,
  ],
  responses: {
    200: {
      description: 'What is revoked and not yet expired',
      content: {
        ...content('application/json', feedPage),
        ...content('text/event-stream', { type: 'string' }),
      },
    },
    304: notModified,
    ...refusals(400, 401, 403),
  },
};

export const resourceServerPaths: Paths = {
  '/.well-known/jwks.json': { get: keySet },
  '/.well-known/oauth-authorization-server': { get: metadata },
  '/revocations': { get: feed },
};
