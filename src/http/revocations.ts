/** `GET /revocations`: the feed for resource servers, as pages or as a stream (docs/revocation-feed.md). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.js';
import { asciiLowerCase } from '../oauth/ascii.js';
import { OAuthError } from '../oauth/errors.js';
import { heartbeatSeconds, pageLimit, type RevocationFeed } from '../revocation/feed.js';
import type { FeedAccess } from '../revocation/feed-access.js';
import { isCursor, originCursor } from '../revocation/feed-entry.js';
import { FeedStream } from './feed-stream.js';
import { matches } from './public-document.js';

export interface RevocationsDependencies {
  feed: RevocationFeed;
  feedAccess: FeedAccess;
  clock: Clock;
}

interface Query {
  after?: unknown;
}

/** A stream ends after about this long, so that its client is authenticated anew, and perhaps by another instance. */
const streamMilliseconds = 900_000;

export function registerRevocations(
  app: FastifyInstance,
  { feed, feedAccess, clock }: RevocationsDependencies,
): void {
  // Streams never end by themselves, and a server that closes waits for every answer.
  app.addHook('preClose', () => feed.close());

  // A HEAD request would open a stream that nobody reads.
  app.get<{ Querystring: Query }>('/revocations', { exposeHeadRoute: false }, async (request, reply) => {
    const reader = await feedAccess.admit(request.headers.authorization);
    request.requester = { clientId: reader.clientId };
    reply.header('vary', 'accept, authorization');
    const cursor = cursorOf(request.headers['last-event-id'], request.query.after);
    await feed.refresh();
    return wantsStream(request) ? sendStream(reply, cursor, reader.until) : sendPage(request, reply, cursor);
  });

  function sendPage(
    { headers }: Pick<FastifyRequest, 'headers'>,
    reply: FastifyReply,
    after: string,
  ): FastifyReply {
    const { entries, cursor, more } = feed.after(after, pageLimit);
    // Weak: what has expired may be left out without being news.
    const etag = `W/"${cursor}"`;
    reply.header('cache-control', 'private, no-cache').header('etag', etag);
    if (matches(headers['if-none-match'], `"${cursor}"`)) return reply.code(304).send();
    const list = entries.map(({ json }) => json).join(',');
    const rest = JSON.stringify({ cursor, more, heartbeat_seconds: heartbeatSeconds }).slice(1);
    return reply.type('application/json; charset=utf-8').send(`{"entries":[${list}],${rest}`);
  }

  function sendStream(reply: FastifyReply, cursor: string, until: number): FastifyReply {
    const stream = new FeedStream(feed, cursor);
    const lifetime = Math.min(streamMilliseconds * (0.8 + Math.random() * 0.4), until - clock());
    const ending = setTimeout(() => stream.end(), Math.max(lifetime, 0));
    ending.unref();
    stream.on('close', () => clearTimeout(ending));
    return (
      reply
        .type('text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        // When the server closes, it does not wait for a connection that could be used again.
        .header('connection', 'close')
        .send(stream)
    );
  }
}

/** `Last-Event-ID` is newer than the URL that a stream began with. */
function cursorOf(lastEventId: unknown, after: unknown): string {
  const cursor = lastEventId || after || originCursor;
  if (typeof cursor === 'string' && isCursor(cursor)) return cursor;
  throw new OAuthError('invalid_request', { description: 'This is no cursor of the feed' });
}

function wantsStream({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return asciiLowerCase(headers.accept ?? '').includes('text/event-stream');
}
