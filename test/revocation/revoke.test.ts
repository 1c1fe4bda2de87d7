/** Revocation (RFC 7009) and introspection (RFC 7662). */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { adminApi } from '../support/admin.js';
import { basic } from '../support/http-client.js';
import { seedClient, seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld, type World } from '../support/world.js';

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, storage);
    await accessTokens(t, world);
    await refreshTokens(t, world);
    await foreignTokens(t, world);
    await idempotence(t, world);
    await users(t, world);
    await introspection(t, world);
    await entries(t, world);
  });
}

t.test(
  'RFC 7662 §2.2 what has expired is not active, however far the clocks of verifiers may differ',
  async (t) => {
    const settings = { ACCESS_TOKEN_TTL_SECONDS: '1', CLOCK_TOLERANCE_SECONDS: '30' };
    const world = await startWorld(t, { settings });
    const { body } = await world.login();
    await sleep(claimsOf(body.access_token).exp * 1000 - Date.now());
    t.notOk(await world.isActive(body.access_token));
  },
);

function accessTokens(t: Test, world: World) {
  return t.test('RFC 7009 §2.1 an access token is revoked alone, by its jti', async (t) => {
    const { body } = await world.login();
    const other = await world.refresh(body.refresh_token);
    t.ok(await world.isActive(body.access_token));
    const answer = await world.revoke(body.access_token, { token_type_hint: 'access_token' });
    t.equal(answer.status, 200);
    t.equal(answer.text, '', 'RFC 7009 §2.2: the body says nothing');
    t.equal(answer.headers.get('cache-control'), 'no-store');
    t.notOk(await world.isActive(body.access_token));
    t.ok(await world.isActive(other.body.access_token), "the session's other access tokens live on");
    t.equal((await world.refresh(other.body.refresh_token)).status, 200, 'and so does the session');
  });
}

function refreshTokens(t: Test, world: World) {
  return t.test(
    'RFC 7009 §2.1 a refresh token is revoked with its session and every access token',
    async (t) => {
      for (const hint of ['refresh_token', 'access_token', 'nonsense', undefined]) {
        const { body: first } = await world.login();
        const { body: second } = await world.refresh(first.refresh_token);
        const bystander = await world.login();
        const answer = await world.revoke(second.refresh_token, { token_type_hint: hint });
        t.equal(answer.status, 200, `token_type_hint ${hint}`);
        for (const { access_token } of [first, second]) t.notOk(await world.isActive(access_token));
        t.equal((await world.refresh(second.refresh_token)).body.reason, 'revoked');
        t.ok(await world.isActive(bystander.body.access_token), 'another session is not touched');
      }
      const { body: rotated } = await world.login();
      const { body: current } = await world.refresh(rotated.refresh_token);
      await world.revoke(rotated.refresh_token);
      t.equal(
        (await world.refresh(current.refresh_token)).body.error,
        'invalid_grant',
        'a rotated one will do',
      );
    },
  );
}

function foreignTokens(t: Test, world: World) {
  return t.test(
    'RFC 7009 §2.1 a token is revoked by the client it was issued to, and no other',
    async (t) => {
      const { body } = await world.login();
      const other = await seedClient(world.server.database);
      for (const token of [body.refresh_token, body.access_token]) {
        const foreign = await world.revoke(token, { client_id: other.id });
        t.equal(foreign.status, 400);
        t.equal(foreign.body.error, 'invalid_grant');
      }
      t.ok(await world.isActive(body.access_token));
      t.equal((await world.refresh(body.refresh_token)).status, 200);

      const own = await world.server.token({ grant_type: 'client_credentials' }, world.serviceHeaders);
      t.equal((await world.revoke(own.body.access_token)).body.error, 'invalid_grant');
      const answer = await world.server.revoke(own.body.access_token, {}, world.serviceHeaders);
      t.equal(answer.status, 200);
      t.notOk(await world.isActive(own.body.access_token));
    },
  );
}

function idempotence(t: Test, world: World) {
  return t.test('RFC 7009 §2.2 what is revoked, expired or unknown is answered 200', async (t) => {
    const { body } = await world.login();
    for (let time = 0; time < 3; time += 1) {
      t.equal((await world.revoke(body.refresh_token)).status, 200);
      t.equal((await world.revoke(body.access_token)).status, 200);
    }
    const { sid, jti } = claimsOf(body.access_token);
    const rows = await world.server.database.prisma.revocation.findMany({
      where: { value: { in: [String(sid), jti] } },
    });
    t.equal(rows.length, 1, 'one entry: the session covers its access token');
    const altered = `${body.refresh_token.slice(0, -2)}AA`;
    for (const unknown of ['x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.', altered, 'y'.repeat(8_000)]) {
      t.equal((await world.revoke(unknown)).status, 200, unknown.slice(0, 20));
    }
    const missing = await world.server.post('/revoke', { client_id: world.app.id });
    t.equal(missing.body.error, 'invalid_request', 'but a token there must be');
  });
}

function users(t: Test, world: World) {
  return t.test(
    "a user's tokens are revoked by sub and time: those issued before, and no later ones",
    async (t) => {
      const admin = await adminApi(world.server);
      const user = await seedUser(world.server.database);
      const before = await world.login({ username: user.email });
      const ended = await admin('POST', `/users/${user.id}/revoke-sessions`);
      t.equal(ended.status, 200, ended.text);
      t.notOk(await world.isActive(before.body.access_token));
      t.equal((await world.refresh(before.body.refresh_token)).body.reason, 'revoked');
      const after = await world.login({ username: user.email });
      t.equal(after.status, 200, 'in the very second of the revocation');
      t.ok(await world.isActive(after.body.access_token), 'a new login is not covered by it');
    },
  );
}

function introspection(t: Test, world: World) {
  return t.test('RFC 7662 §2.2 introspection', async (t) => {
    const { body } = await world.login();
    const answer = await world.server.introspect(body.access_token, world.serviceHeaders);
    t.match(answer.body, {
      active: true,
      token_type: 'Bearer',
      sub: world.user.id,
      client_id: world.app.id,
      scope: 'read write',
      iss: world.server.settings.ISSUER,
    });
    t.equal(answer.headers.get('cache-control'), 'no-store');

    const foreign = await world.server.introspect(body.refresh_token, world.serviceHeaders);
    t.same(foreign.body, { active: false }, "a refresh token is nobody's business but its client's");
    const owner = await seedClient(world.server.database, {
      type: 'confidential',
      grants: ['password', 'refresh_token'],
    });
    const headers = basic(owner.id, owner.secret);
    const { email: username, password } = world.user;
    const login = await world.server.token({ grant_type: 'password', username, password }, headers);
    const own = await world.server.introspect(login.body.refresh_token, headers);
    t.match(own.body, { active: true, client_id: owner.id, scope: 'read write' });
    const next = await world.server.refresh(login.body.refresh_token, {}, headers);
    const rotated = await world.server.introspect(login.body.refresh_token, headers);
    t.same(rotated.body, { active: false }, 'a rotated one is not active');
    t.ok((await world.server.introspect(next.body.refresh_token, headers)).body.active);

    const [head, claims, signature] = body.access_token.split('.');
    const inactive = [
      'x',
      `${head}.${claims}.${signature}=`,
      `${head}.${claims}.`,
      `${head}.${claims}`,
      `${body.access_token} `,
      'z'.repeat(20_000).slice(0, 12_000),
    ];
    for (const token of inactive) {
      const refused = await world.server.introspect(token, world.serviceHeaders);
      t.same(refused.body, { active: false }, token.slice(-12));
    }
  });
}

function entries(t: Test, world: World) {
  return t.test('every entry has a reason, and lives no longer than what it covers', async (t) => {
    const { body: own } = await world.login();
    const { body: session } = await world.login();
    const refreshedAt = performance.now();
    const refreshed = await world.refresh(session.refresh_token);
    await world.revoke(own.access_token);
    await world.revoke(refreshed.body.refresh_token);
    const takenSeconds = (performance.now() - refreshedAt) / 1000;
    const tolerance = 30;
    const covered = [
      [claimsOf(own.access_token).jti, claimsOf(own.access_token).exp],
      [String(claimsOf(session.access_token).sid), claimsOf(refreshed.body.access_token).exp],
    ] as const;
    for (const [value, exp] of covered) {
      const entry = await world.server.database.prisma.revocation.findFirstOrThrow({ where: { value } });
      const expiresAt = entry.expiresAt.getTime() / 1000;
      t.equal(entry.reason, 'revoked');
      t.ok(expiresAt >= exp + tolerance, `${value} covers until ${exp} and the tolerance`);
      t.ok(expiresAt <= exp + tolerance + 2 + takenSeconds, 'and not much longer');
    }
  });
}
