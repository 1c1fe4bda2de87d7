import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { atBest } from '../support/undisturbed.js';
import { json, newSigningKey } from './fake-server.js';
import { FOLLOW, movableClock, refusedWith, setUp, until } from './harness.js';

const JWKS = '/.well-known/jwks.json';
const METADATA = '/.well-known/oauth-authorization-server';

t.test('One fetch serves all that wait for the key set', async (t) => {
  const { server, verifier } = await setUp(t);
  const token = await server.token();
  await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));
  t.equal(server.count(JWKS), 1);
  t.equal(server.count(METADATA), 1);
  t.equal(verifier.counters().keySetFetches, 1);
  t.equal(verifier.counters().verified, 50);
});

t.test('An unknown kid makes the set be fetched again, but only after a cooldown', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, { clock });
  await verifier.verify(await server.token());
  const fresh = await newSigningKey('key-2');
  server.keys.push(fresh);
  await refusedWith(
    t,
    verifier.verify(await server.token({}, {}, fresh)),
    'key_unknown',
    'within the cooldown',
  );
  t.equal(server.count(JWKS), 1);
  advance(31);
  t.ok(await verifier.verify(await server.token({}, {}, fresh)));
  t.equal(server.count(JWKS), 2);
  const stranger = await newSigningKey('stranger');
  const flood = Array.from({ length: 100 }, async () =>
    verifier.verify(await server.token({}, {}, stranger)),
  );
  t.ok((await Promise.allSettled(flood)).every(({ status }) => status === 'rejected'));
  t.equal(server.count(JWKS), 2, 'a flood causes no fetch');
  advance(31);
  await refusedWith(t, verifier.verify(await server.token({ exp: 1 }, {}, stranger)), 'key_unknown');
  await refusedWith(
    t,
    verifier.verify(await server.token({ iss: 'https://other.example' }, {}, stranger)),
    'key_unknown',
  );
  t.equal(server.count(JWKS), 2, 'nor does a token that would not be accepted anyway');
});

t.test(
  'RFC 9111 §5.2.2.1: the set is used for max-age, then fetched again, and a removed key is gone',
  async (t) => {
    const { clock, advance } = movableClock();
    const { server, verifier } = await setUp(t, { clock });
    server.jwksCacheControl = 'public, max-age=60';
    const old = await server.token();
    await verifier.verify(old);
    server.keys = [await newSigningKey('key-2')];
    advance(40);
    t.ok(await verifier.verify(old));
    t.equal(server.count(JWKS), 1, 'no fetch within max-age');
    advance(25);
    await refusedWith(t, verifier.verify(old), 'key_unknown');
    t.equal(server.count(JWKS), 2);
  },
);

t.test('The set is renewed in the background before it expires', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, { clock });
  server.jwksCacheControl = 'max-age=100';
  const token = await server.token();
  await verifier.verify(token);
  advance(85);
  await verifier.verify(token);
  await until(() => server.count(JWKS) === 2);
  advance(50);
  await verifier.verify(token);
  t.equal(server.count(JWKS), 2, 'valid from the renewal on');
});

t.test(
  'When the server is away the old set is used for an hour, and asked for in the background',
  async (t) => {
    const { clock, advance } = movableClock();
    const errors: Error[] = [];
    const { server, verifier } = await setUp(t, { clock, onError: (error) => errors.push(error) });
    const token = await server.token({ exp: Math.floor(Date.now() / 1000) + 9000 });
    await verifier.verify(token);
    server.faults.set(JWKS, (_request, response) => response.writeHead(500).end());
    advance(301);
    t.ok(await verifier.verify(token));
    t.match(errors[0]?.message, /key set/);
    t.equal(verifier.counters().keySetFailures, 1);
    t.ok(await verifier.verify(token), 'no second attempt within the pause');
    t.equal(server.count(JWKS), 2);
    advance(3);
    await verifier.verify(token);
    await until(() => server.count(JWKS) === 3);
    advance(3600);
    const error = await refusedWith(t, verifier.verify(token), 'keys_unavailable', 'within reason');
    t.equal(error?.status, 503);
    t.equal(error?.wwwAuthenticate, undefined);
    t.equal(error?.retryAfterSeconds, 1);
    server.faults.clear();
    advance(3);
    t.ok(await verifier.verify(token), 'recovers');
  },
);

t.test('A key that a set past its life lacks may be good: 503, and not 401', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, { clock });
  await verifier.verify(await server.token());
  server.faults.set(JWKS, (_request, response) => response.writeHead(503).end());
  server.keys = [await newSigningKey('key-2')];
  const token = await server.token({ exp: Math.floor(clock() / 1000) + 900 });
  advance(31);
  await refusedWith(t, verifier.verify(token), 'key_unknown', 'within its life it tells what there is');
  advance(300);
  await refusedWith(t, verifier.verify(token), 'keys_unavailable');
  server.faults.clear();
  advance(31);
  t.ok(await verifier.verify(token));
});

t.test('With metadata and feed away, the key set is found where it was', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, {
    clock,
    revocations: { ...FOLLOW, follow: 'poll', onStale: 'accept' },
  });
  await verifier.verify(await server.token());
  for (const path of [METADATA, '/revocations'])
    server.faults.set(path, (_request, response) => response.writeHead(503).end());
  await until(() => verifier.counters().feedFailures > 1);
  server.keys = [await newSigningKey('key-2')];
  advance(400);
  t.ok(await verifier.verify(await server.token({ exp: Math.floor(clock() / 1000) + 900 })));
});

t.test('Without any key set nothing is accepted, and the server is not hammered', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, { clock });
  server.faults.set(METADATA, (_request, response) => response.writeHead(503).end());
  const token = await server.token();
  await refusedWith(t, verifier.verify(token), 'keys_unavailable');
  await refusedWith(t, verifier.verify(token), 'keys_unavailable');
  t.equal(server.count(METADATA), 1);
  server.faults.clear();
  advance(3);
  t.ok(await verifier.verify(token));
});

const wrongAnswers: Record<string, [path: string, answer: unknown]> = {
  'RFC 8414 §3.3: metadata of another issuer': [
    METADATA,
    { issuer: 'https://other.example', jwks_uri: 'https://other.example/jwks' },
  ],
  'metadata without jwks_uri': [METADATA, { issuer: 'ISSUER' }],
  'metadata with a jwks_uri that is neither https nor loopback': [
    METADATA,
    { issuer: 'ISSUER', jwks_uri: 'http://10.0.0.1/jwks' },
  ],
  'metadata that is a list': [METADATA, []],
  'a key set without keys': [JWKS, {}],
  'an empty key set': [JWKS, { keys: [] }],
  'a key set of useless keys': [
    JWKS,
    {
      keys: [
        null,
        1,
        {},
        { kty: 'oct', kid: 'key-1', alg: 'HS256', k: 'AAAA' },
        { kty: 'EC', kid: 'key-1', alg: 'ES256', crv: 'P-256', x: 'AA', y: 'AA' },
      ],
    },
  ],
};

for (const [title, [path, answer]] of Object.entries(wrongAnswers)) {
  t.test(`Not accepted: ${title}`, async (t) => {
    const { server, verifier } = await setUp(t);
    const body = JSON.parse(JSON.stringify(answer).replace('ISSUER', server.issuer));
    server.faults.set(path, (_request, response) => json(response, body));
    await refusedWith(t, verifier.verify(await server.token()), 'keys_unavailable');
  });
}

t.test('A redirect is not followed', async (t) => {
  const { server, verifier } = await setUp(t);
  server.faults.set(JWKS, (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end());
  await refusedWith(t, verifier.verify(await server.token()), 'keys_unavailable');
  t.equal(server.count('/elsewhere'), 0);
});

t.test('An answer that is no JSON, or too large, is a failure', async (t) => {
  for (const body of ['<html>', `{"keys":[${' '.repeat(1_100_000)}]}`]) {
    const { server, verifier } = await setUp(t);
    server.faults.set(JWKS, (_request, response) => response.writeHead(200).end(body));
    await refusedWith(t, verifier.verify(await server.token()), 'keys_unavailable');
  }
});

t.test('A server that does not answer fails the token within seconds, and only once for all', async (t) => {
  const waitInVain = async () => {
    const { server, verifier } = await setUp(t);
    server.faults.set(JWKS, () => {});
    const token = await server.token();
    const startedAt = performance.now();
    const all = await Promise.allSettled([1, 2, 3].map(() => verifier.verify(token)));
    t.ok(all.every(({ status }) => status === 'rejected'));
    t.equal(server.count(JWKS), 1);
    return performance.now() - startedAt;
  };
  const milliseconds = await atBest(waitInVain, (taken) => taken < 7_000);
  t.ok(milliseconds < 7_000, `${milliseconds} ms`);
});

t.test('RFC 7517 §4.2: a key for encryption does not verify', async (t) => {
  const { server, verifier } = await setUp(t);
  const [key] = server.keys;
  const other = await newSigningKey('key-2');
  if (key) key.jwk.use = 'enc';
  server.keys.push(other);
  await refusedWith(t, verifier.verify(await server.token()), 'key_unknown');
  t.ok(await verifier.verify(await server.token({}, {}, other)));
});

t.test('RFC 7518 §3.3: an RSA key of less than 2048 bits does not verify', async (t) => {
  const { server, verifier } = await setUp(t);
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const weak = await newSigningKey('weak', 'RS256');
  weak.jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'weak', alg: 'RS256', use: 'sig' };
  server.keys.push(weak);
  await refusedWith(t, verifier.verify(await server.token({}, {}, weak)), 'key_unknown');
});

t.test('RFC 8414 §3.1: the metadata of an issuer with a path', async (t) => {
  const { server, verifier: _ } = await setUp(t);
  const asked: string[] = [];
  const { verifier } = await setUp(t, {
    issuer: `${server.issuer}/tenant`,
    fetch: async (url) => {
      asked.push(String(url));
      return new Response('{}', { status: 404 });
    },
  });
  await refusedWith(
    t,
    verifier.verify(await server.token({ iss: `${server.issuer}/tenant` })),
    'keys_unavailable',
  );
  t.strictSame(asked, [`${server.issuer}/.well-known/oauth-authorization-server/tenant`]);
});

t.test('a clock that is set back does not put off the next attempt to fetch the key set', async (t) => {
  const { clock, advance } = movableClock();
  const { server, verifier } = await setUp(t, { clock });
  server.faults.set(METADATA, (_request, response) => response.writeHead(503).end());
  await refusedWith(t, verifier.verify(await server.token()), 'keys_unavailable');
  server.faults.clear();
  advance(-600);
  const reissued = await server.token({
    iat: Math.floor(clock() / 1000),
    exp: Math.floor(clock() / 1000) + 900,
  });
  t.ok(await verifier.verify(reissued));
});
