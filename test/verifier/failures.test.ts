// What a resource server's author sees when something is wrong: the cause in the error, and a word on the console.
import t, { type Test } from 'tap';
import { freePort } from '../support/ports.js';
import { AUDIENCE, json, newSigningKey } from './fake-server.js';
import { FOLLOW, movableClock, refusal, refusedWith, setUp, until } from './harness.js';

const METADATA = '/.well-known/oauth-authorization-server';
const FEED = '/revocations';

/** The messages of an error and of its causes. */
function messages(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${messages(error.cause)}` : '';
}

/** Collects what the console says, until the test ends. */
function hearConsole(t: Test): string[] {
  const heard: string[] = [];
  const { warn } = console;
  console.warn = (...values: unknown[]) => void heard.push(values.join(' '));
  t.teardown(() => {
    console.warn = warn;
  });
  return heard;
}

t.test('RFC 8414 §3.3: another issuer is told at once, by both names', async (t) => {
  const { server } = await setUp(t);
  const heard = hearConsole(t);
  for (const issuer of [`${server.issuer}/`, server.issuer.replace('127.0.0.1', 'localhost')]) {
    const { verifier } = await setUp(t, { issuer, revocations: FOLLOW });
    const error = await refusedWith(t, verifier.verify(await server.token()), 'keys_unavailable');
    t.match(messages(error?.cause), `expects the issuer "${issuer}"`);
    t.match(messages(error?.cause), `calls itself "${server.issuer}"`);
    t.notMatch(error?.message, server.issuer, 'the caller does not see it');
  }
  const isSaid = (issuer: string) => heard.filter((line) => line.includes(`issuer "${issuer}", but`)).length;
  t.equal(isSaid(`${server.issuer}/`), 1, 'the console says it once');
  t.equal(heard.length, 2, 'once for each verifier');
});

t.test('A server that is not keyturn, and one that is away, are named in the cause', async (t) => {
  const heard = hearConsole(t);
  const { server, verifier } = await setUp(t);
  server.faults.set(METADATA, (_request, response) => response.writeHead(404).end());
  const foreign = await refusedWith(t, verifier.verify(await server.token()), 'keys_unavailable');
  t.match(messages(foreign?.cause), 'is not the issuer of a keyturn server');
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const { verifier: alone } = await setUp(t, { issuer: nobody });
  const away = await refusedWith(t, alone.verify(await server.token({ iss: nobody })), 'keys_unavailable');
  t.match(messages(away?.cause), /cannot be reached: .*ECONNREFUSED/);
  t.match(heard[1], /The key set cannot be fetched: .*ECONNREFUSED/);
});

t.test('A wrong secret or a missing scope for the feed is the cause, with the client', async (t) => {
  const heard = hearConsole(t);
  const expected = { 401: 'does not accept the client "books-api"', 403: 'needs the scope revocations:read' };
  for (const [status, text] of Object.entries(expected)) {
    const { server, verifier } = await setUp(t, { revocations: FOLLOW });
    server.faults.set(FEED, (_request, response) => response.writeHead(Number(status)).end());
    const error = await refusedWith(t, verifier.verify(await server.token()), 'revocations_stale');
    t.match(messages(error?.cause), text);
    await until(() => verifier.counters().feedFailures > 2);
    t.equal(heard.filter((line) => line.includes(text)).length, 1, 'once on the console');
  }
  t.notMatch(heard.join(), FOLLOW.clientSecret);
});

t.test('The cause is the last failure, and goes when all is well again', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, { clock, onError: () => {} });
  server.faults.set(METADATA, (_request, response) => response.writeHead(500).end());
  const first = await refusal(t, verifier.verify(await server.token()));
  t.match(messages(first?.cause), 'answered 500');
  server.faults.set(METADATA, (_request, response) => json(response, []));
  advance(3);
  const second = await refusal(t, verifier.verify(await server.token()));
  t.match(messages(second?.cause), 'is not a JSON object');
  server.faults.clear();
  advance(3);
  t.ok(await verifier.verify(await server.token()));
});

t.test('A key set without keys for the wanted algorithms is the cause', async (t) => {
  const { server, verifier } = await setUp(t, { algorithms: ['RS256'], onError: () => {} });
  const token = await server.token({}, {}, await newSigningKey('another', 'RS256'));
  const error = await refusedWith(t, verifier.verify(token), 'keys_unavailable');
  t.match(messages(error?.cause), 'has no usable key for RS256');
});

t.test('A stream that is cut once says nothing; a feed that stays away is told once', async (t) => {
  const heard = hearConsole(t);
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  await verifier.verify(await server.token());
  await until(() => server.streamCount === 1);
  server.cutStreams();
  await until(() => server.streamCount === 1 && verifier.counters().feedFailures === 1);
  t.strictSame(heard, []);
  await server.stop();
  await until(() => verifier.counters().feedFailures > 4);
  t.equal(heard.length, 1);
  t.match(heard[0], /The revocation feed cannot be followed: .* onError to see all failures/);
});

t.test('With onError the console stays silent', async (t) => {
  const heard = hearConsole(t);
  const errors: Error[] = [];
  const { server, verifier } = await setUp(t, {
    revocations: FOLLOW,
    onError: (error) => errors.push(error),
  });
  server.faults.set(FEED, (_request, response) => response.writeHead(401).end());
  await refusedWith(t, verifier.verify(await server.token()), 'revocations_stale');
  t.ok(errors.length > 0);
  t.strictSame(heard, []);
});

t.test('A mismatch names in its cause what was expected and what was found', async (t) => {
  const { server, verifier } = await setUp(t);
  const issuer = await refusedWith(
    t,
    verifier.verify(await server.token({ iss: 'https://a' })),
    'issuer_mismatch',
  );
  t.match(messages(issuer?.cause), `Expected issuer "${server.issuer}", found "https://a"`);
  const audience = await refusedWith(
    t,
    verifier.verify(await server.token({ aud: 'b' })),
    'audience_mismatch',
  );
  t.match(messages(audience?.cause), `Expected audience ["${AUDIENCE}"], found "b"`);
});
