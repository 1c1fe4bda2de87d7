/** The token endpoint: every grant, and every way in which it refuses. RFC 6749 §4.3, §4.4, §5, §6. */
import t, { type Test } from 'tap';
import { basic, type Form } from '../support/http-client.js';
import { seedClient, seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { startWorld, type World } from '../support/world.js';

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, storage);
    await answers(t, world);
    await requests(t, world);
    await grantRules(t, world);
    await logins(t, world);
  });
}

function answers(t: Test, world: World) {
  return t.test('RFC 6749 §5.1 the answer', async (t) => {
    const login = await world.login();
    t.equal(login.status, 200);
    t.match(login.headers.get('content-type'), /^application\/json/);
    t.equal(login.headers.get('cache-control'), 'no-store');
    t.equal(login.headers.get('pragma'), 'no-cache');
    t.equal(login.body.token_type, 'Bearer');
    t.equal(login.body.expires_in, 900);
    t.equal(login.body.scope, 'read write');
    t.type(login.body.refresh_token, 'string');

    const own = await world.server.token({ grant_type: 'client_credentials' }, world.serviceHeaders);
    t.equal(own.status, 200);
    t.notOk('refresh_token' in own.body, 'RFC 6749 §4.4.3: no refresh token for client_credentials');
  });
}

function requests(t: Test, world: World) {
  const { server } = world;
  const refusals: Record<string, [form: Form | string, error: string]> = {
    'no grant type': [{}, 'invalid_request'],
    'an empty parameter counts as absent': [{ grant_type: '' }, 'invalid_request'],
    'an unknown grant type': [{ grant_type: 'implicit' }, 'unsupported_grant_type'],
    'a grant type is compared exactly': [{ grant_type: 'Client_Credentials' }, 'unsupported_grant_type'],
    'a grant this client was not given': [{ grant_type: 'password' }, 'unauthorized_client'],
    'a repeated parameter': [
      'grant_type=client_credentials&grant_type=client_credentials',
      'invalid_request',
    ],
    'a repeated unknown parameter': ['grant_type=client_credentials&x=1&x=2', 'invalid_request'],
    'a broken escape': ['grant_type=client_credentials&scope=%zz', 'invalid_request'],
    'broken UTF-8': ['grant_type=client_credentials&scope=%ff%fe', 'invalid_request'],
    'a NUL': ['grant_type=client_credentials&scope=read%00', 'invalid_request'],
    'a scope that was not registered': [{ grant_type: 'client_credentials', scope: 'root' }, 'invalid_scope'],
    'a scope beside an allowed one': [
      { grant_type: 'client_credentials', scope: 'read root' },
      'invalid_scope',
    ],
    'a malformed scope': [{ grant_type: 'client_credentials', scope: 'read  write' }, 'invalid_scope'],
    'a scope with a quote': [{ grant_type: 'client_credentials', scope: 'read"' }, 'invalid_scope'],
  };
  return t.test('RFC 6749 §5.2 refusals', async (t) => {
    for (const [name, [form, error]] of Object.entries(refusals)) {
      const answer = await server.token(form, world.serviceHeaders);
      t.equal(answer.status, 400, name);
      t.equal(answer.body.error, error, name);
      t.equal(answer.headers.get('cache-control'), 'no-store', name);
    }
    const unknown = await server.token({ grant_type: 'client_credentials', x: '1' }, world.serviceHeaders);
    t.equal(unknown.status, 200, 'RFC 6749 §3.2: an unknown parameter is ignored');
  });
}

function grantRules(t: Test, world: World) {
  const { server } = world;
  return t.test('RFC 6749 §3.3 and §4', async (t) => {
    const narrow = await server.token(
      { grant_type: 'client_credentials', scope: 'write' },
      world.serviceHeaders,
    );
    t.equal(narrow.body.scope, 'write', '§3.3: exactly what was asked');

    const twice = await server.token(
      { grant_type: 'client_credentials', scope: 'write write' },
      world.serviceHeaders,
    );
    t.equal(twice.body.scope, 'write', '§3.3: a scope is a set');

    const unscoped = await seedClient(server.database, { type: 'confidential', scope: [] });
    const bare = await server.token(
      { grant_type: 'client_credentials' },
      basic(unscoped.id, unscoped.secret),
    );
    t.equal(bare.status, 200);
    t.notOk('scope' in bare.body, '§3.3: a scope has at least one token');

    const publicClient = await seedClient(server.database, { grants: ['client_credentials'] });
    const refused = await server.token({ grant_type: 'client_credentials', client_id: publicClient.id });
    t.equal(refused.body.error, 'unauthorized_client', '§4.4: confidential clients only');

    const loginOnly = await seedClient(server.database, { grants: ['password'] });
    const login = await world.login({ client_id: loginOnly.id });
    t.equal(login.status, 200);
    t.notOk('refresh_token' in login.body, 'a client without the refresh grant gets no refresh token');

    const backend = await seedClient(server.database, {
      type: 'confidential',
      grants: ['password', 'refresh_token'],
    });
    const headers = basic(backend.id, backend.secret);
    const { email: username, password } = world.user;
    const form = { grant_type: 'password', username, password };
    const byBackend = await server.token(form, headers);
    t.equal(byBackend.status, 200, '§4.3: a confidential client logs in, too');
    const refreshToken = byBackend.body.refresh_token;
    t.equal(
      (await server.refresh(refreshToken, { client_id: backend.id })).status,
      401,
      '§6: and authenticates',
    );
    t.equal((await server.refresh(refreshToken, {}, headers)).status, 200);
  });
}

function logins(t: Test, world: World) {
  const { server, user } = world;
  return t.test('RFC 6749 §4.3 logins', async (t) => {
    for (const missing of ['username', 'password']) {
      const answer = await world.login({ [missing]: undefined });
      t.equal(answer.body.error, 'invalid_request', `without ${missing}`);
    }
    const disabled = await seedUser(server.database, { disabledAt: new Date() });
    const refused = [
      await world.login({ password: 'wrong' }),
      await world.login({ username: 'nobody@example.test' }),
      await world.login({ username: disabled.email }),
      await world.login({ username: '\u202eevil', password: 'x' }),
      await world.login({ password: 'x'.repeat(1025) }),
    ];
    for (const answer of refused) {
      t.equal(answer.status, 400);
      t.equal(answer.text, refused[0]?.text, 'every refusal looks the same');
      t.equal(answer.body.error, 'invalid_grant');
    }
    const exceeding = await world.login({ scope: 'read root' });
    t.equal(exceeding.body.error, 'invalid_scope');
    const narrow = await world.login({ scope: 'read' });
    t.equal(narrow.body.scope, 'read');

    const lines = server.first.log.join('');
    t.notOk(lines.includes(user.password), 'no password in the log');
    t.notOk(lines.includes(narrow.body.refresh_token), 'no token in the log');
  });
}
