/** Operations on sessions. */
import Type from 'typebox';
import { isUuid, uuidPattern } from '../oauth/uuid.js';
import type { SessionSummary } from '../sessions/session.js';
import type { Generation, SessionPosition } from '../sessions/session-administration.js';
import type { AdminContext } from './context.js';
import { operation } from './operation.js';
import { pageInput, pageResult, readPage } from './page.js';
import { invalid, unknown } from './refusals.js';
import { listOf, nullable, time } from './result.js';
import { requireUser } from './users.js';

const strict = { additionalProperties: false };
const reference = {
  session: Type.String({ pattern: uuidPattern, description: 'The session id: `sid` in tokens' }),
};
/** A session refreshed every minute for an hour shows whole; longer ones show their latest. */
const longestLineage = 100;

const sessionResult = Type.Object({
  id: Type.String({ format: 'uuid', description: '`sid` in access tokens' }),
  user_id: Type.String({ format: 'uuid' }),
  client_id: Type.String(),
  state: Type.Enum(['active', 'revoked', 'expired']),
  scope: Type.String(),
  generation: Type.Integer({ description: 'Of the current refresh token' }),
  label: nullable(Type.String()),
  address: nullable(Type.String()),
  user_agent: nullable(Type.String()),
  created_at: time,
  last_used_at: time,
  idle_expires_at: time,
  absolute_expires_at: time,
  revoked_at: nullable(time),
  revoked_reason: nullable(Type.String()),
});

const generationResult = Type.Object({
  generation: Type.Integer(),
  issued_at: time,
  address: nullable(Type.String()),
  user_agent: nullable(Type.String()),
});

const list = operation({
  name: 'sessions.list',
  method: 'GET',
  path: '/sessions',
  summary: 'List sessions, newest first',
  input: Type.Object(
    {
      user: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 320,
          description: 'Of one user: id, e-mail address or username',
        }),
      ),
      client: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Through one client' })),
      active: Type.Optional(Type.Boolean({ description: 'Only those that have neither ended nor expired' })),
      ...pageInput,
    },
    strict,
  ),
  result: Type.Object({ sessions: listOf(sessionResult), ...pageResult }),
  run: async (context, { user, client, active, limit, after }) => {
    const { items, nextCursor } = await readPage(
      limit,
      await sessionReader(context, { user, client, active, after }),
      cursorOf,
    );
    const now = context.clock();
    return { sessions: items.map((session) => describeSession(session, now)), next_cursor: nextCursor };
  },
});

interface ListInput {
  user: string | undefined;
  client: string | undefined;
  active: boolean | undefined;
  after: string | undefined;
}

async function sessionReader(context: AdminContext, input: ListInput) {
  const filter = {
    userId: input.user === undefined ? undefined : (await requireUser(context, input.user)).id,
    clientId: input.client,
    active: input.active,
    after: input.after === undefined ? undefined : positionOf(input.after),
  };
  return (count: number) => context.sessions.list(filter, count);
}

const show = operation({
  name: 'sessions.show',
  method: 'GET',
  path: '/sessions/:session',
  summary: 'Show a session and the latest generations of its lineage',
  input: Type.Object(reference, strict),
  result: Type.Object({ ...sessionResult.properties, lineage: listOf(generationResult) }),
  run: async (context, { session: id }) => {
    const session = await requireSession(context, id);
    const lineage = await context.sessions.lineage(id, longestLineage);
    return { ...describeSession(session, context.clock()), lineage: lineage.map(describeGeneration) };
  },
});

const revoke = operation({
  name: 'sessions.revoke',
  method: 'POST',
  path: '/sessions/:session/revoke',
  summary: 'End a session: its refresh token and every access token of it are revoked',
  input: Type.Object(reference, strict),
  result: sessionResult,
  run: async (context, { session: id }, actor) => {
    await requireSession(context, id);
    await context.blocklist.announce(await context.sessions.revoke(id, actor));
    return describeSession(await requireSession(context, id), context.clock());
  },
});

export const sessionOperations = [list, show, revoke];

async function requireSession({ sessions }: AdminContext, id: string): Promise<SessionSummary> {
  const session = await sessions.find(id);
  if (!session) throw unknown('session');
  return session;
}

function cursorOf({ createdAt, id }: SessionSummary): string {
  return `${createdAt.getTime()}.${id}`;
}

function positionOf(cursor: string): SessionPosition {
  const [, createdAt, id] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor) ?? [];
  if (id === undefined || !isUuid(id)) throw invalid('after: is no cursor of this list');
  return { createdAt: new Date(Number(createdAt)), id };
}

function describeSession(session: SessionSummary, now: number) {
  return {
    id: session.id,
    user_id: session.userId,
    client_id: session.clientId,
    state: stateOf(session, now),
    scope: session.scope.join(' '),
    generation: session.generation,
    label: session.label,
    address: session.address,
    user_agent: session.userAgent,
    created_at: session.createdAt,
    last_used_at: session.lastUsedAt,
    idle_expires_at: session.idleExpiresAt,
    absolute_expires_at: session.absoluteExpiresAt,
    revoked_at: session.revokedAt,
    revoked_reason: session.revokedReason,
  };
}

function stateOf(session: SessionSummary, now: number): 'active' | 'revoked' | 'expired' {
  if (session.revokedAt) return 'revoked';
  const expiresAt = Math.min(session.idleExpiresAt.getTime(), session.absoluteExpiresAt.getTime());
  return expiresAt <= now ? 'expired' : 'active';
}

function describeGeneration({ generation, issuedAt, address, userAgent }: Generation) {
  return { generation, issued_at: issuedAt, address, user_agent: userAgent };
}
