// Everything in the library that grows with what the server sends has a bound.
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { json } from './fake-server.js';
import { FOLLOW, refusedWith, setUp, until } from './harness.js';

const FEED = '/revocations';
const page = { entries: [], cursor: '0', more: false, heartbeat_seconds: 0.2 };

/** A feed whose first page is good and whose stream is this. Gives how the verifier ended, and what was sent until then. */
async function endlessStream(t: Test, head: string, piece: string) {
  const errors: Error[] = [];
  const { server, verifier } = await setUp(t, {
    revocations: FOLLOW,
    onError: (error) => errors.push(error),
  });
  let sent = 0;
  server.faults.set(FEED, (request, response) => {
    if (request.headers.accept !== 'text/event-stream') return json(response, page);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(head);
    return void pour(response, piece, (characters) => {
      sent += characters;
    });
  });
  await verifier.verify(await server.token());
  await until(() => errors.length > 0);
  await verifier.close();
  return { reason: String(errors[0]?.cause), sent };
}

/** Writes without end, as fast as the other side reads. */
async function pour(response: ServerResponse, piece: string, count: (characters: number) => void) {
  const block = piece.repeat(1_000);
  while (!response.destroyed) {
    count(block.length);
    if (!response.write(block)) await sleep(1);
  }
}

const mebibyte = 1024 * 1024;

for (const [kind, head, piece, reason] of [
  ['a line without an end', 'data: ', 'xxxxxxxx', 'a line that is too long'],
  ['an event of data lines without an end', '', 'data: x\n', 'an event that is too long'],
  ['an event of empty data lines', '', 'data\n', 'an event that is too long'],
  ['an event of comments without an end', '', ': x\n', 'an event that is too long'],
  ['an event of unknown fields', 'data: x\n', 'other: x\n', 'an event that is too long'],
] as const) {
  t.test(`Feed: ${kind} ends the stream`, async (t) => {
    const ended = await endlessStream(t, head, piece);
    t.match(ended.reason, reason);
    // What the sockets between the two hold is sent, too.
    t.ok(ended.sent < 32 * mebibyte, `${ended.sent} characters sent`);
  });
}

t.test('Feed: comments that keep a connection open never end it', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  server.faults.set(FEED, (request, response) => {
    if (request.headers.accept !== 'text/event-stream') return json(response, page);
    const heartbeat = `event: heartbeat\ndata: ${JSON.stringify({ cursor: '0' })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return void response.write(`${':\n\n'.repeat(100_000)}${heartbeat}`);
  });
  await verifier.verify(await server.token());
  await until(() => verifier.counters().feedSynchronisations > 1);
  t.equal(verifier.counters().feedFailures, 0);
});

t.test('Feed: an entry with an endless value is refused', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW, onError: () => {} });
  server.revoke('jti', 'x'.repeat(2_000));
  await refusedWith(t, verifier.verify(await server.token()), 'revocations_stale');
  t.equal(verifier.counters().blocklistEntries, 0);
});

t.test('Feed: revoked keys without an end are refused', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW, onError: () => {} });
  for (let index = 0; index <= 10_000; index += 1) server.revoke('kid', `made-up-${index}`);
  server.pageSize = 20_000;
  await refusedWith(t, verifier.verify(await server.token()), 'revocations_stale');
});

for (const [path, limit] of [
  ['/.well-known/oauth-authorization-server', 256 * 1024],
  ['/.well-known/jwks.json', mebibyte],
  [FEED, 16 * mebibyte],
] as const) {
  t.test(`An answer without an end from ${path} is given up`, async (t) => {
    const errors: Error[] = [];
    const { server, verifier } = await setUp(t, {
      revocations: FOLLOW,
      onError: (error) => errors.push(error),
    });
    server.faults.set(path, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      void pour(response, ' '.repeat(100), () => {});
    });
    void verifier.verify(await server.token()).catch(() => {});
    await until(() => errors.some(({ cause }) => /more than|in time/.test(String(cause))));
    const reasons = errors.map(({ cause }) => String(cause)).join();
    t.match(reasons, new RegExp(`more than ${limit} bytes|in time`));
  });
}
