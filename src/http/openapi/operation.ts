/** What those who run the server look at. */
import {
  answer,
  content,
  forEverybody,
  type Operation,
  object,
  type Paths,
  refusals,
  string,
} from './vocabulary.js';

const tags = ['Operation'];

const live: Operation = {
  operationId: 'live',
  tags,
  security: forEverybody,
  summary: 'Whether the process answers',
  responses: { 200: answer('It does', object({ status: { const: 'ok' } }, ['status'])) },
};

const failures = { type: 'array', items: { type: 'string' }, description: 'What does not work' };

const ready: Operation = {
  operationId: 'ready',
  tags,
  security: forEverybody,
  summary: 'Whether this instance should be sent requests',
  responses: {
    200: answer('It should', object({ status: { const: 'ok' } }, ['status'])),
    503: answer(
      'It should not',
      object({ status: { const: 'unavailable' }, failures }, ['status', 'failures']),
    ),
  },
};

const metrics: Operation = {
  operationId: 'metrics',
  tags,
  security: forEverybody,
  summary: 'Figures for Prometheus',
  description: 'Only directly, from this machine or a private network.',
  responses: {
    200: { description: 'Text exposition format', content: content('text/plain', { type: 'string' }) },
    403: refusals(403)[403] ?? {},
  },
};

const document: Operation = {
  operationId: 'openapi',
  tags,
  security: forEverybody,
  summary: 'This description',
  responses: {
    200: answer('OpenAPI 3.1', object({ openapi: string('The version of OpenAPI') }, ['openapi'])),
    ...refusals(),
  },
};

export const operationPaths: Paths = {
  '/health/live': { get: live },
  '/health/ready': { get: ready },
  '/metrics': { get: metrics },
  '/openapi.json': { get: document },
};
