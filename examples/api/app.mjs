// A small API whose routes need permissions. The guards are all that it knows of tokens.
import Fastify from 'fastify';
import { guard } from 'keyturn/verifier/fastify';
import { Books } from './books.mjs';

const book = {
  type: 'object',
  required: ['title', 'author'],
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 200 },
    author: { type: 'string', minLength: 1, maxLength: 200 },
  },
};

export function buildApp(verifier) {
  const app = Fastify();
  const books = new Books();
  const needs = (permission) => guard(verifier, { permissions: [permission] });

  app.get('/books', { onRequest: needs('books:read') }, async () => ({ books: books.list() }));

  app.get('/books/:id', { onRequest: needs('books:read') }, async (request, reply) => {
    return books.find(request.params.id) ?? notFound(reply);
  });

  app.post('/books', { onRequest: needs('books:write'), schema: { body: book } }, async (request, reply) => {
    const added = books.add(request.body, request.accessToken.sub);
    return reply.code(201).header('location', `/books/${added.id}`).send(added);
  });

  app.put(
    '/books/:id',
    { onRequest: needs('books:write'), schema: { body: book } },
    async (request, reply) => {
      return books.change(request.params.id, request.body) ?? notFound(reply);
    },
  );

  app.delete('/books/:id', { onRequest: needs('books:delete') }, async (request, reply) => {
    return books.remove(request.params.id) ? reply.code(204).send() : notFound(reply);
  });

  // How many seconds ago this API last knew of everything revoked.
  app.get('/health', async () => ({
    status: 'ok',
    revocations_known_seconds_ago: Math.round(verifier.staleness()),
  }));

  return app;
}

function notFound(reply) {
  return reply.code(404).send({ error: 'not_found' });
}
