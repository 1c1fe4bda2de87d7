/** What happened. */
import Type from 'typebox';
import { auditEventTypes, type RecordedAuditEvent } from '../audit.js';
import { isUuid } from '../oauth/uuid.js';
import type { AdminContext } from './context.js';
import { operation } from './operation.js';
import { pageInput, pageResult, readPage } from './page.js';
import { invalid } from './refusals.js';
import { listOf, nullable, time } from './result.js';
import { requireUser } from './users.js';

const id = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 100, description }));

const eventResult = Type.Object({
  id: Type.String(),
  at: time,
  type: Type.Enum([...auditEventTypes]),
  actor: Type.Union([Type.String(), Type.Null()], {
    description: 'The id of a user or client, `cli` or `server`',
  }),
  user_id: nullable(Type.String()),
  client_id: nullable(Type.String()),
  session_id: nullable(Type.String()),
  address: nullable(Type.String()),
  user_agent: nullable(Type.String()),
  detail: Type.Record(Type.String(), Type.Unknown()),
});

const list = operation({
  name: 'audit.list',
  method: 'GET',
  path: '/audit',
  summary: 'List audit events, newest first',
  input: Type.Object(
    {
      type: Type.Optional(Type.Enum([...auditEventTypes], { description: 'Of one type' })),
      user: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 320,
          description: 'About one user: id, e-mail address or username',
        }),
      ),
      client: id('About one client'),
      session: id('About one session'),
      since: id('Not older than this: an instant as in RFC 3339, or a date'),
      ...pageInput,
    },
    { additionalProperties: false },
  ),
  result: Type.Object({ events: listOf(eventResult), ...pageResult }),
  run: async (context, { type, user, client, session, since, limit, after }) => {
    const filter = {
      type,
      userId: user && (await userIdOf(context, user)),
      clientId: client,
      sessionId: session,
      since: since === undefined ? undefined : instantOf(since),
      beforeId: after === undefined ? undefined : eventIdOf(after),
    };
    const { items, nextCursor } = await readPage(
      limit,
      (count) => context.audit.list(filter, count),
      (last) => last.id,
    );
    return { events: items.map(describeEvent), next_cursor: nextCursor };
  },
});

export const auditOperations = [list];

/** A deleted user is still known by id. */
async function userIdOf(context: AdminContext, reference: string): Promise<string> {
  return isUuid(reference) ? reference : (await requireUser(context, reference)).id;
}

const rfc3339 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

function instantOf(value: string): Date {
  const instant = new Date(rfc3339.test(value) ? value : Number.NaN);
  if (Number.isNaN(instant.getTime()))
    throw invalid('since: is neither a date nor an instant as in RFC 3339');
  return instant;
}

function eventIdOf(cursor: string): string {
  if (!/^\d{1,18}$/.test(cursor)) throw invalid('after: is no cursor of this list');
  return cursor;
}

function describeEvent(event: RecordedAuditEvent) {
  return {
    id: event.id,
    at: event.at,
    type: event.type,
    actor: event.actor,
    user_id: event.userId,
    client_id: event.clientId,
    session_id: event.sessionId,
    address: event.address,
    user_agent: event.userAgent,
    detail: event.detail,
  };
}
