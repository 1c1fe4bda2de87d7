import t from 'tap';
import { basic } from '../support/http-client.js';
import { seedClient } from '../support/seed.js';
import { atBest, shortest } from '../support/undisturbed.js';
import { backends } from '../support/variants.js';
import { claimsOf } from '../support/world.js';
import { until } from '../verifier/harness.js';
import type { EventRecord } from './event-reader.js';
import { startFeedWorld } from './support.js';

for (const backend of backends()) {
  t.test(backend.name, backend.options, async (t) => {
    const feed = await startFeedWorld(t, backend.storage);
    const { world } = feed;
    const { server } = world;

    t.test('An empty feed', async (t) => {
      const answer = await server.get('/revocations', feed.headers);
      t.equal(answer.status, 200);
      t.match(answer.headers.get('content-type'), /^application\/json/);
      t.equal(answer.headers.get('cache-control'), 'private, no-cache');
      t.strictSame(answer.body, { entries: [], cursor: '0', more: false, heartbeat_seconds: 2 });
    });

    t.test(
      'Many streams hear of everything, in order, before they are told that they are current',
      async (t) => {
        const streams = await Promise.all(Array.from({ length: 450 }, () => feed.stream()));
        await until(() => streams.every(({ heartbeats }) => heartbeats.length > 0));
        const revoked: string[] = [];
        for (let count = 0; count < 5; count += 1) {
          const token = await feed.accessToken();
          await world.revoke(token);
          revoked.push(claimsOf(token).jti);
        }
        const { cursor } = await feed.page();
        const isCurrent = (event: EventRecord) => event.event === 'heartbeat' && event.id === cursor;
        await until(() => streams.every(({ events }) => events.some(isCurrent)));
        const told = streams.map(({ events }) => {
          const before = events.slice(0, events.findIndex(isCurrent));
          return before.filter(({ event }) => event === 'revocation').map(({ data }) => data.value);
        });
        t.same(new Set(told.map((values) => values.join())), new Set([revoked.join()]));
        for (const stream of streams) stream.close();
      },
    );

    t.test('The metadata names the feed', async (t) => {
      const { body } = await server.get('/.well-known/oauth-authorization-server');
      t.equal(body.revocations_endpoint, `${feed.issuer}/revocations`);
    });

    t.test('A revoked access token is in the feed as soon as /revoke has answered', async (t) => {
      const token = await feed.accessToken();
      const claims = claimsOf(token);
      const before = Math.floor(Date.now() / 1000);
      t.equal((await world.revoke(token)).status, 200);
      const after = Math.ceil(Date.now() / 1000);
      const { entries } = await feed.page();
      const entry = entries.at(-1);
      t.match(entry, { type: 'jti', value: claims.jti, reason: 'revoked' });
      t.equal(entry?.expires_at, claims.exp + 30, 'the token’s end and the clock tolerance, in seconds');
      const { revoked_at: revokedAt = 0 } = entry ?? {};
      t.ok(revokedAt >= before && revokedAt <= after, `revoked at ${revokedAt}`);
      t.notHas(entry, 'before');
    });

    t.test('A revoked refresh token is in the feed as its session', async (t) => {
      const { body } = await world.login();
      await world.revoke(body.refresh_token);
      t.match((await feed.page()).entries.at(-1), { type: 'sid', value: claimsOf(body.access_token).sid });
    });

    t.test('?after=CURSOR gives only what is new, and ETag saves even that', async (t) => {
      const { cursor } = await feed.page();
      const empty = await server.get(`/revocations?after=${cursor}`, feed.headers);
      t.strictSame(empty.body.entries, []);
      const etag = empty.headers.get('etag') ?? '';
      const same = await server.get(`/revocations?after=${cursor}`, {
        ...feed.headers,
        'if-none-match': etag,
      });
      t.equal(same.status, 304);
      t.equal(same.text, '');
      await world.revoke(await feed.accessToken());
      const news = await server.get(`/revocations?after=${cursor}`, {
        ...feed.headers,
        'if-none-match': etag,
      });
      t.equal(news.status, 200);
      t.match(news.body.entries, { length: 1 });
    });

    t.test(
      'A stream gives all that there is, and then what comes, with cursors to resume from',
      async (t) => {
        const known = await feed.all();
        const stream = await feed.stream();
        t.equal(stream.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
        await until(() => stream.heartbeats.length > 0);
        t.strictSame(
          stream.revocations.map(({ data }) => data),
          known,
        );
        const token = await feed.accessToken();
        await world.revoke(token);
        await until(() => stream.revocations.length > known.length);
        const last = stream.revocations.at(-1);
        t.match(last, { data: { type: 'jti', value: claimsOf(token).jti } });
        await until(() => stream.heartbeats.at(-1)?.data.cursor === last?.id);
        const resumed = await feed.stream({ 'last-event-id': stream.revocations.at(-2)?.id ?? '' });
        await until(() => resumed.heartbeats.length > 0);
        t.strictSame(resumed.revocations, [last]);
      },
    );

    t.test('Heartbeats come in time', async (t) => {
      const stream = await feed.stream();
      const threeMore = () => {
        const known = stream.heartbeats.length;
        return until(() => stream.heartbeats.length >= known + 3);
      };
      t.ok((await shortest(threeMore, 10_000)) < 10_000);
    });

    t.test('A cursor that is not known is followed by everything; what is no cursor is 400', async (t) => {
      const known = await feed.all();
      for (const cursor of ['999999999-AAAAAAAA', '1-AAAAAAAA', '0']) {
        t.strictSame((await feed.page(`?after=${cursor}`)).entries, known, cursor);
      }
      for (const query of [
        '?after=abc',
        '?after=-1',
        '?after=1',
        '?after=1-A',
        '?after=1&after=2',
        '?after=%00',
      ]) {
        const { status, body } = await server.get(`/revocations${query}`, feed.headers);
        t.equal(status, 400, query);
        t.equal(body.error, 'invalid_request');
      }
    });

    t.test(
      'RFC 6749 §2.3.1, RFC 6750 §3.1: only for confidential clients with revocations:read',
      async (t) => {
        const missing = await server.get('/revocations');
        t.equal(missing.status, 401);
        t.ok(missing.headers.get('www-authenticate'));
        const wrong = await server.get('/revocations', basic(feed.reader.id, 'wrong'));
        t.equal(wrong.status, 401);
        t.equal((await server.get('/revocations', world.serviceHeaders)).status, 403);
        const open = await seedClient(server.database, { scope: ['revocations:read'] });
        t.equal((await server.get('/revocations', basic(open.id, ''))).status, 403);
        const { body: ofUser } = await world.login({ client_id: open.id });
        t.match(ofUser.scope, 'revocations:read');
        const byUser = await server.get('/revocations', { authorization: `Bearer ${ofUser.access_token}` });
        t.equal(byUser.status, 403, 'what a client may read, its users may not');
        t.equal((await server.get('/revocations', { authorization: 'Bearer abc' })).status, 401);
        const user = { authorization: `Bearer ${await feed.accessToken()}` };
        t.equal((await server.get('/revocations', user)).status, 403);
      },
    );

    t.test('RFC 6750 §2.1: an access token with the scope reads it too, until it is revoked', async (t) => {
      const { body } = await server.token({ grant_type: 'client_credentials' }, feed.headers);
      const bearer = { authorization: `Bearer ${body.access_token}` };
      t.equal((await server.get('/revocations', bearer)).status, 200);
      await server.revoke(body.access_token, {}, feed.headers);
      t.equal((await server.get('/revocations', bearer)).status, 401);
    });

    t.test('Other methods are 405', async (t) => {
      for (const method of ['HEAD', 'POST', 'DELETE']) {
        const { status } = await fetch(`${server.url}/revocations`, { method, headers: feed.headers });
        t.equal(status, 405, method);
      }
    });

    t.test('The verifier follows it', async (t) => {
      const verifier = feed.verifier();
      const token = await feed.accessToken();
      t.ok(await verifier.verify(token));
      await world.revoke(token);
      await until(async () =>
        verifier.verify(token).then(
          () => false,
          ({ code }) => code === 'token_revoked',
        ),
      );
      t.ok(await verifier.verify(await feed.accessToken()));
    });

    t.test('A server that closes ends its streams', async (t) => {
      const closing = async () => {
        const another = await startFeedWorld(t, backend.storage);
        const stream = await another.stream();
        const startedAt = performance.now();
        await another.world.server.first.server.app.close();
        await until(() => stream.isOver);
        return performance.now() - startedAt;
      };
      const milliseconds = await atBest(closing, (taken) => taken < 2_000);
      t.ok(milliseconds < 2_000, `after ${milliseconds} ms`);
    });
  });
}
