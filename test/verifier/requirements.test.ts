import t from 'tap';
import { guard as expressGuard } from '../../src/verifier/express.js';
import { guard as fastifyGuard } from '../../src/verifier/fastify.js';
import {
  AccessDeniedError,
  createVerifier,
  TokenRefusedError,
  VerifierUnavailableError,
} from '../../src/verifier/index.js';
import { FOLLOW, refusal, refusedWith, setUp } from './harness.js';

t.test(
  'RFC 6750 §3.1: a good token without the scope is 403, and the challenge names the scope',
  async (t) => {
    const { server, verifier } = await setUp(t);
    const token = await server.token({ scope: 'books:read' });
    t.ok(await verifier.verify(token, { scopes: ['books:read'] }));
    const error = await refusedWith(
      t,
      verifier.verify(token, { scopes: ['books:read', 'books:write'] }),
      'scope_missing',
    );
    t.ok(error instanceof AccessDeniedError);
    t.equal(error?.status, 403);
    t.equal(
      error?.wwwAuthenticate,
      'Bearer error="insufficient_scope", error_description="The access token lacks a scope", scope="books:read books:write"',
    );
  },
);

t.test('Roles and permissions: all of those required', async (t) => {
  const { server, verifier } = await setUp(t);
  const token = await server.token({ roles: ['editor', 'author'], permissions: ['books:write'] });
  t.ok(await verifier.verify(token, { roles: ['author', 'editor'], permissions: ['books:write'] }));
  await refusedWith(t, verifier.verify(token, { roles: ['editor', 'admin'] }), 'role_missing');
  await refusedWith(t, verifier.verify(token, { permissions: ['books:delete'] }), 'permission_missing');
  await refusedWith(t, verifier.verify(await server.token(), { roles: ['editor'] }), 'role_missing');
  await refusedWith(
    t,
    verifier.verify(await server.token({ scope: undefined }), { scopes: ['a'] }),
    'scope_missing',
  );
});

t.test('What the verifier requires holds for every token', async (t) => {
  const { server, verifier } = await setUp(t, { require: { scopes: ['books:read'] } });
  await refusedWith(t, verifier.verify(await server.token({ scope: 'other' })), 'scope_missing');
  t.ok(await verifier.verify(await server.token()));
});

t.test('RFC 6750 §2.1: authenticate takes the value of the Authorization header', async (t) => {
  const { server, verifier } = await setUp(t);
  const token = await server.token();
  for (const scheme of ['Bearer', 'bearer', 'BEARER'])
    t.ok(await verifier.authenticate(`${scheme} ${token}`));
  for (const value of [undefined, '', 'Basic YTpi', `DPoP ${token}`, `Bearer${token}`]) {
    const error = await refusedWith(
      t,
      verifier.authenticate(value),
      'token_missing',
      `${value?.slice(0, 10)}`,
    );
    t.equal(error?.status, 401);
    t.equal(error?.wwwAuthenticate, 'Bearer realm="urn:example:books"', 'no error code without a token');
  }
  for (const value of [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    `Bearer ${token}, Bearer ${token}`,
    'Bearer "x"',
    'Bearer \u00e9',
  ]) {
    const error = await refusedWith(t, verifier.authenticate(value), 'request_malformed', value.slice(0, 10));
    t.equal(error?.status, 400);
    t.match(error?.wwwAuthenticate, /^Bearer error="invalid_request"/);
  }
  await refusedWith(t, verifier.authenticate('Bearer abc'), 'token_malformed');
});

t.test('Errors have a class by status', async (t) => {
  const { server, verifier } = await setUp(t, { revocations: FOLLOW });
  t.ok((await refusal(t, verifier.verify('x'))) instanceof TokenRefusedError);
  await verifier.close();
  await server.stop();
  const other = await setUp(t, { issuer: server.issuer });
  const error = await refusal(t, other.verifier.verify(await server.token()));
  t.ok(error instanceof VerifierUnavailableError);
  t.strictSame(other.verifier.counters().refused, { keys_unavailable: 1 });
});

t.test('A misspelt requirement is a TypeError: it would let every token pass', async (t) => {
  const { server, verifier } = await setUp(t);
  const token = await server.token();
  const wrong = [
    { permission: ['a'] },
    { scope: 'a' },
    { role: ['a'] },
    { scopes: 'a' },
    { roles: [''] },
    { permissions: [1] },
    { permissions: null },
    ['a'],
    'a',
    null,
  ];
  for (const required of wrong) {
    const title = JSON.stringify(required);
    await t.rejects(Reflect.apply(verifier.verify, verifier, [token, required]), TypeError, title);
    await t.rejects(
      Reflect.apply(verifier.authenticate, verifier, [`Bearer ${token}`, required]),
      TypeError,
      title,
    );
    for (const guard of [fastifyGuard, expressGuard]) {
      t.throws(() => Reflect.apply(guard, undefined, [verifier, required]), TypeError, title);
    }
  }
  t.throws(() => Reflect.apply(fastifyGuard, undefined, [verifier, { optionl: true }]), {
    message: 'Unknown requirement "optionl": use scopes, roles, permissions, optional',
  });
  t.ok(await verifier.verify(token, {}), 'nothing more required');
});

t.test('Wrong options are a TypeError that says which', async (t) => {
  const good = { issuer: 'https://auth.example', audience: 'a', revocations: { follow: 'off' } };
  const wrong: Record<string, object> = {
    'issuer must be': { issuer: 'http://auth.example' },
    'audience must be': { audience: '' },
    'audience must be a': { audience: [] },
    'revocations.follow must be': { revocations: undefined },
    'revocations.follow must': { revocations: { follow: 'sometimes' } },
    'revocations.clientId': { revocations: { ...FOLLOW, clientSecret: '' } },
    'revocations.maxStalenessSeconds': { revocations: { ...FOLLOW, maxStalenessSeconds: undefined } },
    'revocations.onStale': { revocations: { ...FOLLOW, onStale: undefined } },
    clockToleranceSeconds: { clockToleranceSeconds: 3600 },
    maxTokenAgeSeconds: { maxTokenAgeSeconds: -1 },
    maxTokenLength: { maxTokenLength: Number.NaN },
    algorithms: { algorithms: ['none'] },
    'algorithms must': { algorithms: [] },
    'unknown option "maxTokenAge"': { maxTokenAge: 60 },
    'unknown member of revocations "onstale"': { revocations: { ...FOLLOW, onstale: 'accept' } },
  };
  for (const [message, options] of Object.entries(wrong)) {
    const create = () => Reflect.apply(createVerifier, undefined, [{ ...good, ...options }]);
    t.throws(create, { name: 'TypeError', message: new RegExp(`^createVerifier: .*${message}`) });
  }
  const create = () => Reflect.apply(createVerifier, undefined, [{ ...good, require: { scope: ['a'] } }]);
  t.throws(create, { name: 'TypeError', message: 'Unknown requirement "scope"' });
});
