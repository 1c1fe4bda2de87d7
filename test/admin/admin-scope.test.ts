/** The scope `keyturn:admin`: how it is granted, where its tokens are good, and that it ends with what gave it. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { basic } from '../support/http-client.js';
import { seedClient, seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld, type World } from '../support/world.js';

const adminScope = 'keyturn:admin';
const audience = 'urn:books';
const upgrade = new URL(
  '../../prisma/migrations/20261125101500_admin_scope_by_name/migration.sql',
  import.meta.url,
);

/** A user with the permission, at a public client that may ask for the scope; and a confidential client that may. */
async function adminsOf(world: World) {
  const { database } = world.server;
  const user = await seedUser(database, { permissions: [adminScope] });
  const console_ = await seedClient(database, { scope: ['read', adminScope], audiences: [audience] });
  const scope = ['revocations:read', adminScope];
  const machine = await seedClient(database, { type: 'confidential', scope, audiences: [audience] });
  return {
    user,
    console_,
    machine,
    login: async (wanted?: string) => {
      const form = { client_id: console_.id, username: user.email, ...(wanted && { scope: wanted }) };
      return (await world.login(form)).body;
    },
    machineToken: async (wanted?: string) => {
      const form = { grant_type: 'client_credentials', ...(wanted && { scope: wanted }) };
      return (await world.server.token(form, basic(machine.id, machine.secret))).body;
    },
  };
}

for (const backend of backends()) {
  t.test(backend.name, backend.options, async (t) => {
    const world = await startWorld(t, backend.storage);
    const { server } = world;
    const { database } = server;
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const ask = (token: string, path = '/admin/users') => server.get(path, bearer(token));

    t.test('granted only when asked for by name, and then for the issuer alone', async (t) => {
      const { login, machineToken } = await adminsOf(world);
      for (const grant of [login, machineToken]) {
        const unasked = claimsOf((await grant()).access_token);
        t.notMatch(unasked.scope, adminScope);
        t.equal(unasked.aud, audience);
        const asked = claimsOf((await grant(adminScope)).access_token);
        t.equal(asked.scope, adminScope);
        t.equal(asked.aud, server.settings.ISSUER);
      }
    });

    t.test('a refresh keeps the rule: with the scope for the issuer, without it for the API', async (t) => {
      const { console_, login } = await adminsOf(world);
      const first = await login(`read ${adminScope}`);
      const second = (await world.refresh(first.refresh_token, { client_id: console_.id })).body;
      t.equal(claimsOf(second.access_token).aud, server.settings.ISSUER);
      t.equal((await ask(second.access_token)).status, 200);
      const narrow = { client_id: console_.id, scope: 'read' };
      const third = (await world.refresh(second.refresh_token, narrow)).body;
      t.equal(claimsOf(third.access_token).aud, audience);
      t.equal((await ask(third.access_token)).status, 403);
    });

    t.test('an admin token is good at /admin and nowhere else', async (t) => {
      const { login, machineToken } = await adminsOf(world);
      const { access_token: ofUser } = await login(`read ${adminScope}`);
      const { access_token: ofClient } = await machineToken(`revocations:read ${adminScope}`);
      for (const token of [ofUser, ofClient]) {
        t.equal((await ask(token)).status, 200);
        t.equal(await world.isActive(token), false, 'introspection');
        for (const path of ['/sessions', '/revocations']) t.equal((await ask(token, path)).status, 401, path);
      }
    });

    t.test('a demoted admin cannot undo it: 403 from the next request on', async (t) => {
      const { user, login } = await adminsOf(world);
      const { access_token: token } = await login(adminScope);
      const promotion = () =>
        server.send(`/admin/users/${user.id}`, {
          method: 'PATCH',
          headers: { ...bearer(token), 'content-type': 'application/json' },
          body: JSON.stringify({ permissions: [adminScope] }),
        });
      t.equal((await promotion()).status, 200);
      await database.prisma.user.update({ where: { id: user.id }, data: { permissions: [] } });
      t.match(await promotion(), { status: 403, body: { error: 'insufficient_scope' } });
      const { permissions } = await database.prisma.user.findUniqueOrThrow({ where: { id: user.id } });
      t.same(permissions, []);
    });

    t.test('nor a client whose scope was taken away, for itself or for its users', async (t) => {
      const { console_, machine, login, machineToken } = await adminsOf(world);
      const tokens = [(await login(adminScope)).access_token, (await machineToken(adminScope)).access_token];
      for (const token of tokens) t.equal((await ask(token)).status, 200);
      const ids = [console_.id, machine.id];
      await database.prisma.client.updateMany({ where: { id: { in: ids } }, data: { scope: ['read'] } });
      for (const token of tokens) t.equal((await ask(token)).status, 403);
    });

    t.test('nor a user or a client that is disabled or gone, whatever the blocklist knows', async (t) => {
      const disabledAt = new Date();
      const ends: ((admins: Awaited<ReturnType<typeof adminsOf>>) => Promise<unknown>)[] = [
        ({ user: { id } }) => database.prisma.user.update({ where: { id }, data: { disabledAt } }),
        ({ user: { id } }) => database.prisma.user.delete({ where: { id } }),
        ({ console_: { id } }) => database.prisma.client.update({ where: { id }, data: { disabledAt } }),
        ({ console_: { id } }) => database.prisma.client.delete({ where: { id } }),
      ];
      for (const end of ends) {
        const admins = await adminsOf(world);
        const { access_token: token } = await admins.login(adminScope);
        t.equal((await ask(token)).status, 200);
        await end(admins);
        t.equal((await ask(token)).status, 403);
      }
    });

    t.test('after the upgrade, sessions that have the scope without asking serve their API', async (t) => {
      const { console_, login } = await adminsOf(world);
      const { refresh_token: token } = await login(`read ${adminScope}`);
      await database.prisma.$executeRawUnsafe(readFileSync(upgrade, 'utf8'));
      const { body } = await world.refresh(token, { client_id: console_.id });
      t.equal(body.scope, 'read');
      t.equal(claimsOf(body.access_token).aud, audience);
    });
  });
}
