import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { atBest } from '../support/undisturbed.js';
import { json, newSigningKey } from './fake-server.js';
import { FOLLOW, movableClock, refusedWith, setUp, until, verifierOf } from './harness.js';

const FEED = '/revocations';
const seconds = () => Math.floor(Date.now() / 1000);

for (const follow of ['stream', 'poll'] as const) {
  const revocations = { ...FOLLOW, follow };

  t.test(`${follow}: a revoked token is refused, by jti, sid and sub; others are not`, async (t) => {
    const { server, verifier } = await setUp(t, { revocations });
    server.revoke('jti', 'known-before');
    await refusedWith(t, verifier.verify(await server.token({ jti: 'known-before' })), 'token_revoked');
    for (const claim of ['jti', 'sid'] as const) {
      const token = await server.token({ [claim]: 'x' });
      t.ok(await verifier.verify(token));
      server.revoke(claim, 'x');
      await until(() =>
        verifier.verify(token).then(
          () => false,
          (error) => error.code === 'token_revoked',
        ),
      );
    }
    const beforeMs = (seconds() + 1) * 1000;
    const old = await server.token({ sub: 'user-2' });
    server.revoke('sub', 'user-2', { before: beforeMs });
    await until(() =>
      verifier.verify(old).then(
        () => false,
        (error) => error.code === 'token_revoked',
      ),
    );
    t.ok(await verifier.verify(await server.token({ sub: 'user-2', iat: beforeMs / 1000 })), 'issued after');
    t.ok(await verifier.verify(await server.token()), 'another user');
    t.equal(verifier.counters().blocklistEntries, 4);
    t.equal(verifier.counters().feedEntries, 4);
    await until(() => verifier.staleness() < 1);
  });

  t.test(`${follow}: when the feed is gone the verifier becomes stale, rejects, and recovers`, async (t) => {
    const { clock, advance } = movableClock();
    const { server, verifier } = await setUp(t, { clock, revocations });
    const token = await server.token();
    t.ok(await verifier.verify(token));
    await server.stop();
    await until(() => verifier.counters().feedFailures > 0);
    t.ok(await verifier.verify(token), 'not yet stale');
    advance(revocations.maxStalenessSeconds + 1);
    const error = await refusedWith(t, verifier.verify(token), 'revocations_stale');
    t.equal(error?.status, 503);
    t.equal(error?.wwwAuthenticate, undefined);
    t.ok(verifier.staleness() > revocations.maxStalenessSeconds);
    server.revoke('jti', 'revoked-meanwhile');
    await server.restart();
    await until(() =>
      verifier.verify(token).then(
        () => true,
        () => false,
      ),
    );
    await refusedWith(t, verifier.verify(await server.token({ jti: 'revoked-meanwhile' })), 'token_revoked');
  });

  t.test(`${follow}: onStale accept goes on accepting, but not what is known to be revoked`, async (t) => {
    const { clock, advance } = movableClock();
    const { server, verifier } = await setUp(t, {
      clock,
      revocations: { ...revocations, onStale: 'accept' },
    });
    server.revoke('jti', 'revoked');
    await until(() => verifier.counters().blocklistEntries === 1);
    await verifier.verify(await server.token());
    await server.stop();
    advance(60);
    t.ok(await verifier.verify(await server.token()));
    await refusedWith(t, verifier.verify(await server.token({ jti: 'revoked' })), 'token_revoked');
  });

  t.test(
    `${follow}: the first token waits for the first reading of the feed, in all its pages`,
    async (t) => {
      const { server } = await setUp(t);
      server.pageSize = 10;
      for (let i = 0; i < 95; i += 1) server.revoke('jti', `jti-${i}`);
      const verifier = verifierOf(t, server, { revocations });
      await refusedWith(t, verifier.verify(await server.token({ jti: 'jti-94' })), 'token_revoked');
      t.equal(verifier.counters().blocklistEntries, 95);
    },
  );

  t.test(`${follow}: a feed that is not understood makes the verifier stale`, async (t) => {
    const { server, verifier } = await setUp(t, { revocations });
    server.faults.set(FEED, (_request, response) =>
      json(response, { entries: [{ type: 'jti', value: 1 }], cursor: '1' }),
    );
    const token = await server.token();
    await refusedWith(t, verifier.verify(token), 'revocations_stale');
    server.faults.set(FEED, (_request, response) => response.writeHead(200).end('<html>'));
    await refusedWith(t, verifier.verify(token), 'revocations_stale');
    server.faults.delete(FEED);
    await until(() =>
      verifier.verify(token).then(
        () => true,
        () => false,
      ),
    );
  });

  t.test(`${follow}: an entry of a type that is not known is passed over`, async (t) => {
    const { server, verifier } = await setUp(t, { revocations });
    server.revoke('device', 'd-1');
    t.ok(await verifier.verify(await server.token()));
  });

  t.test(`${follow}: a revoked signing key is dropped at once, and its successor fetched`, async (t) => {
    const { server, verifier } = await setUp(t, { revocations });
    const token = await server.token();
    await verifier.verify(token);
    server.revoke('kid', 'key-1');
    await until(() =>
      verifier.verify(token).then(
        () => false,
        (error) => error.code === 'key_revoked',
      ),
    );
    const next = await newSigningKey('key-2');
    server.keys.push(next);
    t.ok(await verifier.verify(await server.token({}, {}, next)), 'without the cooldown');
    await refusedWith(t, verifier.verify(token), 'key_revoked', 'even though the key set still has it');
  });
}

t.test('RFC 6749 §2.3.1: the credentials are form-encoded in HTTP Basic', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  await verifier.verify(await server.token());
  const [scheme, credentials = ''] = server.lastFeedRequest?.headers.authorization?.split(' ') ?? [];
  t.equal(scheme, 'Basic');
  t.equal(Buffer.from(credentials, 'base64').toString(), 'books-api:a+secret%3A+with+%2B+and+%C3%BC');
});

t.test('stream: a cut stream is resumed from the last cursor, and nothing is missed', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  server.revoke('jti', 'one');
  await verifier.verify(await server.token());
  await until(() => server.streamCount === 1);
  server.revoke('jti', 'two');
  await until(() => verifier.counters().feedEntries === 2);
  server.cutStreams();
  server.revoke('jti', 'three');
  // By a page first, and then as a stream from there on.
  await until(() => server.lastFeedRequest?.headers['last-event-id'] === '3');
  t.equal(verifier.counters().feedEntries, 3, 'nothing is missed, and nothing is sent twice');
});

function isAccepted(verified: Promise<unknown>): Promise<boolean> {
  return verified.then(
    () => true,
    () => false,
  );
}

t.test('a clock that is set back does not hide that the feed is gone', async (t) => {
  const { clock, advance } = movableClock();
  const revocations = { ...FOLLOW, maxStalenessSeconds: 1 };
  const { server, verifier } = await setUp(t, { clock, revocations });
  await until(async () => isAccepted(verifier.verify(await server.token())));
  await server.stop();
  advance(-3600);
  await until(() => verifier.staleness() > 1);
  const token = await server.token({ iat: seconds() - 3700 });
  await refusedWith(t, verifier.verify(token), 'revocations_stale');
});

t.test('stream: one that falls silent is given up', async (t) => {
  const failuresOfOneSilence = async () => {
    const { server, verifier } = await setUp(t, { revocations: FOLLOW });
    server.heartbeatSeconds = 0.1;
    await verifier.verify(await server.token());
    await until(() => server.streamCount === 1);
    server.isBeating = false;
    await until(() => verifier.counters().feedFailures > 0);
    server.isBeating = true;
    const { feedSynchronisations } = verifier.counters();
    await until(() => verifier.counters().feedSynchronisations > feedSynchronisations + 1);
    return verifier.counters().feedFailures;
  };
  // A process that stands still for as long hears nothing, either.
  const failures = await atBest(failuresOfOneSilence, (count) => count === 1);
  t.equal(failures, 1, 'and its successor is kept');
});

t.test('stream: what is no event stream is a failure', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  const page = { entries: [], cursor: '0', more: false, heartbeat_seconds: 0.2 };
  server.faults.set(FEED, (_request, response) => json(response, page));
  t.ok(await verifier.verify(await server.token()), 'the page still counts');
  await until(() => verifier.counters().feedFailures > 0);
  server.faults.set(FEED, (request, response) => {
    if (request.headers.accept !== 'text/event-stream') return json(response, page);
    return response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .write(`data: ${'x'.repeat(100_000)}`);
  });
  const { feedFailures } = verifier.counters();
  await until(() => verifier.counters().feedFailures > feedFailures);
});

t.test('poll: asks again with the ETag, and 304 keeps it current', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: { ...FOLLOW, follow: 'poll' } });
  server.revoke('jti', 'one');
  await verifier.verify(await server.token());
  await until(() => server.lastFeedRequest?.headers['if-none-match'] !== undefined);
  t.equal(server.lastFeedRequest?.url, '/revocations?after=1');
  const { feedSynchronisations } = verifier.counters();
  await until(() => verifier.counters().feedSynchronisations > feedSynchronisations + 2);
  t.equal(verifier.counters().feedEntries, 1);
});

t.test('poll: a refused cursor makes it begin anew, and keeps what is known', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: { ...FOLLOW, follow: 'poll' } });
  server.revoke('jti', 'one');
  server.revoke('jti', 'two');
  await until(() => verifier.counters().feedEntries === 2);
  server.entries = [];
  server.revoke('jti', 'three');
  await until(() => verifier.counters().feedEntries === 3);
  for (const jti of ['one', 'three'])
    await refusedWith(t, verifier.verify(await server.token({ jti })), 'token_revoked');
});

t.test('Wrong credentials make the verifier stale, and say why', async (t) => {
  const errors: Error[] = [];
  const { server, verifier } = await setUp(t, {
    revocations: FOLLOW,
    onError: (error) => errors.push(error),
  });
  server.faults.set(FEED, (_request, response) => response.writeHead(401).end());
  await refusedWith(t, verifier.verify(await server.token()), 'revocations_stale');
  t.match(errors[0]?.cause, { message: 'The feed answered 401' });
});

t.test('off: nothing is followed, and staleness is infinite', async (t) => {
  const { server, verifier } = await setUp(t);
  server.revoke('jti', 'one');
  t.ok(await verifier.verify(await server.token({ jti: 'one' })));
  t.equal(server.count(FEED), 0);
  t.equal(verifier.staleness(), Number.POSITIVE_INFINITY);
});

t.test('close: stops following', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  await verifier.verify(await server.token());
  await until(() => server.streamCount === 1);
  await verifier.close();
  await until(() => server.streamCount === 0);
  const fetches = server.fetches;
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal(server.fetches, fetches);
  t.equal(verifier.counters().feedFailures, 0);
});

t.test('close, and the watch for silence, outlive the garbage collector', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  server.heartbeatSeconds = 0.1;
  await verifier.verify(await server.token());
  await until(() => server.streamCount === 1);
  server.isBeating = false;
  for (let i = 0; i < 5; i += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await until(() => verifier.counters().feedFailures > 0);
  await until(() => server.streamCount === 1);
  collectGarbage();
  await verifier.close();
  await until(() => server.streamCount === 0);
  t.pass('closed');
});

t.test('close: also while the server does not answer', async (t) => {
  const closing = async () => {
    const { server, verifier } = await setUp(t, { revocations: FOLLOW });
    server.faults.set(FEED, () => {});
    await until(() => server.count(FEED) === 1);
    const startedAt = performance.now();
    await verifier.close();
    return performance.now() - startedAt;
  };
  const milliseconds = await atBest(closing, (taken) => taken < 1_000);
  t.ok(milliseconds < 1_000, `${milliseconds} ms`);
});
