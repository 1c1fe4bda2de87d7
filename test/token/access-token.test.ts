/** What an access token says: RFC 9068 §2. */
import t from 'tap';
import { basic } from '../support/http-client.js';
import { seedClient, seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { claimsOf, headerOf, startWorld } from '../support/world.js';

for (const { name, storage, options } of backends()) {
  t.test(name, options, async (t) => {
    const world = await startWorld(t, { ...storage, settings: { DEFAULT_AUDIENCE: 'urn:test:api' } });
    const { server, user, service } = world;
    const { database } = server;

    await t.test("RFC 9068 §2.1, §2.2 header and claims of a user's token", async (t) => {
      const before = Math.floor(Date.now() / 1000);
      const { body } = await world.login();
      const after = Math.floor(Date.now() / 1000);
      const { alg, kid, typ, ...restOfHeader } = headerOf(body.access_token);
      t.same([alg, typ, restOfHeader], ['ES256', 'at+jwt', {}]);
      const { body: jwks } = await server.get('/.well-known/jwks.json');
      t.ok(
        (jwks.keys as { kid: string }[]).some((key) => key.kid === kid),
        'the key is published',
      );

      const { iss, sub, aud, exp, iat, jti, client_id, scope, sid, auth_time, roles, permissions, ...rest } =
        claimsOf(body.access_token);
      t.equal(iss, server.settings.ISSUER);
      t.equal(sub, user.id);
      t.equal(aud, 'urn:test:api');
      t.ok(iat >= before && iat <= after);
      t.equal(exp - iat, body.expires_in);
      t.equal(exp - iat, 900);
      t.match(jti, /^[0-9a-f-]{36}$/);
      t.equal(client_id, world.app.id);
      t.equal(scope, 'read write');
      t.match(sid, /^[0-9a-f-]{36}$/);
      t.ok(Number(auth_time) >= before && Number(auth_time) <= iat);
      t.same([roles, permissions], [[], []]);
      t.same(rest, {}, 'and nothing else');
    });

    await t.test(
      "RFC 9068 §2.2 a client's own token has the client as its subject, and no session",
      async (t) => {
        const { body } = await server.token({ grant_type: 'client_credentials' }, world.serviceHeaders);
        const claims = claimsOf(body.access_token);
        t.equal(claims.sub, service.id);
        t.equal(claims.client_id, service.id);
        for (const name of ['sid', 'auth_time', 'roles', 'permissions', 'org_id'])
          t.notOk(name in claims, name);
      },
    );

    await t.test('jti differs from token to token', async (t) => {
      const { body } = await world.login();
      const next = await world.refresh(body.refresh_token);
      t.not(claimsOf(body.access_token).jti, claimsOf(next.body.access_token).jti);
      t.equal(claimsOf(body.access_token).sid, claimsOf(next.body.access_token).sid, 'sid stays');
      t.equal(
        claimsOf(body.access_token).auth_time,
        claimsOf(next.body.access_token).auth_time,
        'auth_time stays',
      );
    });

    await t.test('RFC 7519 §4.1.3 aud is a string for one audience and an array for several', async (t) => {
      for (const [audiences, aud] of [
        [['https://api.test'], 'https://api.test'],
        [
          ['https://a.test', 'https://b.test'],
          ['https://a.test', 'https://b.test'],
        ],
      ] as const) {
        const client = await seedClient(database, { type: 'confidential', audiences: [...audiences] });
        const headers = basic(client.id, client.secret);
        const { body } = await server.token({ grant_type: 'client_credentials' }, headers);
        t.same(claimsOf(body.access_token).aud, aud);
      }
    });

    await t.test(
      'roles, permissions, organisation and custom claims, at login and as they are at refresh',
      async (t) => {
        const member = await seedUser(database, {
          roles: ['editor'],
          permissions: ['posts:write'],
          orgId: 'org-1',
          claims: { plan: 'gold', limits: { seats: 3 } },
        });
        const { body } = await world.login({ username: member.email });
        t.match(claimsOf(body.access_token), {
          roles: ['editor'],
          permissions: ['posts:write'],
          org_id: 'org-1',
          plan: 'gold',
          limits: { seats: 3 },
        });
        const change = { roles: ['reader'], orgId: null, claims: { plan: 'tin' } };
        await database.prisma.user.update({ where: { id: member.id }, data: change });
        const refreshed = claimsOf((await world.refresh(body.refresh_token)).body.access_token);
        t.same([refreshed.roles, refreshed.plan], [['reader'], 'tin']);
        t.notOk('org_id' in refreshed);
        t.notOk('limits' in refreshed);
      },
    );

    await t.test(
      'custom claims cannot override a protocol claim, even if they got into the database',
      async (t) => {
        const hostile = {
          ...{
            iss: 'https://evil.test',
            sub: 'root',
            aud: 'x',
            exp: 9_999_999_999,
            iat: 1,
            nbf: 1,
            jti: 'x',
          },
          client_id: 'x',
          scope: 'keyturn:admin',
          sid: 'x',
          auth_time: 1,
          roles: ['admin'],
          permissions: ['keyturn:admin'],
          org_id: 'x',
          cnf: {},
          act: {},
          harmless: true,
        };
        const member = await seedUser(database, { claims: hostile });
        const claims = claimsOf((await world.login({ username: member.email })).body.access_token);
        t.equal(claims.harmless, true);
        t.same(
          [claims.iss, claims.sub, claims.aud, claims.client_id, claims.scope],
          [server.settings.ISSUER, member.id, 'urn:test:api', world.app.id, 'read write'],
        );
        t.same([claims.roles, claims.permissions], [[], []]);
        for (const name of ['nbf', 'org_id', 'cnf', 'act']) t.notOk(name in claims, name);
        t.ok(claims.exp < 9_999_999_999);
      },
    );

    await t.test('the admin scope needs the permission of the same name', async (t) => {
      const console_ = await seedClient(database, { scope: ['read', 'keyturn:admin'] });
      const refused = await world.login({ client_id: console_.id, scope: 'keyturn:admin' });
      t.equal(refused.body.error, 'invalid_scope');
      const admin = await seedUser(database, { permissions: ['keyturn:admin'] });
      const login = { client_id: console_.id, username: admin.email, scope: 'read keyturn:admin' };
      const { body } = await world.login(login);
      t.equal(body.scope, 'read keyturn:admin');
      await database.prisma.user.update({ where: { id: admin.id }, data: { permissions: [] } });
      const refreshed = await world.refresh(body.refresh_token, { client_id: console_.id });
      t.equal(refreshed.body.scope, 'read', 'and goes with it');
    });

    await t.test(
      'no user can have a client id as subject: an id that looks like one of a user is no client',
      async (t) => {
        const answer = await server.token({ grant_type: 'client_credentials' }, basic(user.id, 'x'));
        t.equal(answer.body.error, 'invalid_client');
      },
    );
  });
}
