import t from 'tap';
import { adminApi } from '../support/admin.js';
import { basic } from '../support/http-client.js';
import { backends } from '../support/variants.js';
import { startWorld, type World } from '../support/world.js';

for (const backend of backends()) {
  t.test(backend.name, backend.options, async (t) => {
    const world = await startWorld(t, backend.storage);
    const { server } = world;
    const admin = await adminApi(server);
    const service = (id: string) => ({
      client_id: id,
      type: 'confidential',
      grants: ['client_credentials'],
      scope: 'a b',
    });
    const token = (id: string, secret: unknown) =>
      server.token({ grant_type: 'client_credentials' }, basic(id, String(secret)));

    t.test(
      'a confidential client gets a secret of 32 random bytes, shown in that answer alone',
      async (t) => {
        const { status, body } = await admin('POST', '/clients', service('svc'));
        t.equal(status, 201);
        t.equal(Buffer.from(String(body.client_secret), 'base64url').length, 32);
        t.equal((await token('svc', body.client_secret)).status, 200);
        const shown = await admin('GET', '/clients/svc');
        t.match(shown.body, {
          client_id: 'svc',
          grants: ['client_credentials'],
          scope: 'a b',
          disabled: false,
        });
        t.notOk(shown.text.includes('secret'));
        t.equal((await admin('POST', '/clients', service('svc'))).status, 409);
      },
    );

    t.test('what contradicts itself or its RFC is refused with the member named', async (t) => {
      const spa = { type: 'public', grants: ['password', 'refresh_token'] };
      const byCookie = { ...spa, refresh_delivery: 'cookie' };
      const refused: [string, object][] = [
        ['client_id', { client_id: 'a b' }],
        ['client_id', { client_id: '0f0e9c9a-5f0c-4f4e-8d7a-3c1f9a7d0b11' }],
        ['grants', { grants: [] }],
        ['grants', { grants: ['implicit'] }],
        ['type', { type: 'secret' }],
        ['confidential', { type: 'public' }],
        ['scope', { scope: 'two  spaces' }],
        ['scope', { scope: 'quo"te' }],
        ['audiences', { audiences: ['with space'] }],
        ['audiences', { audiences: ['ht tp://x'] }],
        ['origin', { ...byCookie }],
        ['refresh_token', { ...byCookie, grants: ['password'], origins: ['https://app.example'] }],
        ...[
          'null',
          '*',
          'http://app.example',
          'https://app.example/',
          'https://APP.example',
          'https://a.b:443',
        ].map((origin): [string, object] => ['origins', { ...spa, origins: [origin] }]),
      ];
      for (const [named, change] of refused) {
        const { status, body } = await admin('POST', '/clients', { ...service('wrong'), ...change });
        t.equal(status, 400, JSON.stringify(change));
        t.match(body.error_description, named);
      }
      t.equal((await admin('GET', '/clients/wrong')).status, 404);
    });

    t.test('a change is in force at once, and is checked against what stays', async (t) => {
      const { body } = await admin('POST', '/clients', service('changing'));
      const changed = await admin('PATCH', '/clients/changing', { scope: 'a', audiences: ['urn:books'] });
      t.match(changed.body, { scope: 'a', audiences: ['urn:books'], grants: ['client_credentials'] });
      t.match((await token('changing', body.client_secret)).body, { scope: 'a' });
      t.equal((await admin('PATCH', '/clients/changing', { refresh_delivery: 'cookie' })).status, 400);
      t.equal((await admin('PATCH', '/clients/changing', { type: 'public' })).status, 400);
    });

    t.test('rotate-secret: the new one works, the old one is refused from the same moment', async (t) => {
      const { body: created } = await admin('POST', '/clients', service('rotating'));
      t.equal((await token('rotating', created.client_secret)).status, 200);
      const { body: rotated } = await admin('POST', '/clients/rotating/rotate-secret');
      t.equal((await token('rotating', created.client_secret)).status, 401);
      t.equal((await token('rotating', rotated.client_secret)).status, 200);
      t.equal(
        (await admin('POST', `/clients/${world.app.id}/rotate-secret`)).status,
        400,
        'a public one has none',
      );
    });

    t.test('disable revokes its own tokens; tokens after enable are good', async (t) => {
      const { body: created } = await admin('POST', '/clients', service('pausing'));
      const { body: before } = await token('pausing', created.client_secret);
      t.match((await admin('POST', '/clients/pausing/disable')).body, { disabled: true });
      t.equal((await token('pausing', created.client_secret)).status, 401);
      t.equal(await world.isActive(before.access_token), false);
      await admin('POST', '/clients/pausing/enable');
      const { body: after } = await token('pausing', created.client_secret);
      t.equal(await world.isActive(after.access_token), true);
      t.equal(await world.isActive(before.access_token), false);
    });

    t.test(
      'delete revokes its tokens and ends its sessions; a client of the same name begins anew',
      async (t) => {
        const { body: created } = await admin('POST', '/clients', {
          ...service('going'),
          grants: ['client_credentials', 'password', 'refresh_token'],
        });
        const credentials = basic('going', String(created.client_secret));
        const { body: own } = await token('going', created.client_secret);
        const { email, password } = world.user;
        const login = { grant_type: 'password', username: email, password };
        const { body: session } = await server.token(login, credentials);
        const deleted = await admin('DELETE', '/clients/going');
        t.match(deleted.body, { deleted: true, ended_sessions: 1 });
        for (const tokens of [own, session]) t.equal(await world.isActive(tokens.access_token), false);
        const { body: again } = await admin('POST', '/clients', service('going'));
        t.equal((await token('going', created.client_secret)).status, 401);
        const { body: fresh } = await token('going', again.client_secret);
        t.equal(await world.isActive(fresh.access_token), true);
        t.equal(await world.isActive(own.access_token), false);
      },
    );

    t.test('the end of a client with very many sessions is done in pages, and is complete', async (t) => {
      await admin('POST', '/clients', {
        client_id: 'large',
        type: 'public',
        grants: ['password', 'refresh_token'],
        scope: 'a',
      });
      const login = { client_id: 'large', scope: 'a' };
      const before = (await world.login(login)).body;
      await addSessions(world, 'large', { live: 1_500, expired: 2_000 });

      const disabled = await admin('POST', '/clients/large/disable');
      t.match(disabled.body, { disabled: true, ended_sessions: 3_501 });
      t.equal(await world.isActive(before.access_token), false);
      const { prisma } = server.database;
      t.equal(await prisma.session.count({ where: { clientId: 'large', revokedAt: null } }), 0);
      const entries = await prisma.revocation.groupBy({
        by: ['revokedAt'],
        where: { type: 'sid', reason: 'client_disabled' },
        _count: true,
      });
      t.equal(
        entries.reduce((sum, { _count }) => sum + _count, 0),
        1_501,
        'an entry for each session with a token that may be alive',
      );
      t.ok(entries.length > 1, 'in several commits');

      await admin('POST', '/clients/large/enable');
      t.equal((await world.refresh(before.refresh_token, { client_id: 'large' })).body.reason, 'revoked');
      const after = (await world.login(login)).body;
      t.match((await admin('DELETE', '/clients/large')).body, { deleted: true, ended_sessions: 1 });
      t.equal(await world.isActive(after.access_token), false);
      t.equal(await prisma.session.count({ where: { clientId: 'large' } }), 0);
      t.equal((await admin('GET', '/clients/large')).status, 404);
    });
  });
}

/** Sessions of the world's user, begun long ago or, `live`, with an access token that has not expired. */
async function addSessions(
  { server, user }: World,
  clientId: string,
  how: { live: number; expired: number },
) {
  await server.database.prisma.$executeRaw`
    INSERT INTO sessions (id, user_id, client_id, secret_hash, auth_time, rotated_at, last_used_at,
      idle_expires_at, absolute_expires_at, access_tokens_expire_at)
    SELECT gen_random_uuid(), ${user.id}::uuid, ${clientId}, '', now(), now(), now(),
      now() + interval '1 day', now() + interval '1 day',
      now() + CASE WHEN number <= ${how.live}::int THEN interval '15 minutes' ELSE interval '-1 hour' END
    FROM generate_series(1, ${how.live + how.expired}::int) AS number`;
}
