import t from 'tap';
import { Blocklist } from '../../src/blocklist/blocklist.js';
import { OwnSessions } from '../../src/sessions/own-sessions.js';
import { adminApi } from '../support/admin.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld } from '../support/world.js';

type Session = { id: string; state: string; generation: number; lineage: { generation: number }[] };

for (const backend of backends()) {
  t.test(backend.name, backend.options, async (t) => {
    const world = await startWorld(t, backend.storage);
    const { server, user } = world;
    const admin = await adminApi(server);
    const list = async (query: string) =>
      (await admin('GET', `/sessions${query}`)).body.sessions as Session[];

    t.test('a session shows its device, its last use and its lineage', async (t) => {
      const { body: login } = await world.login();
      await world.refresh(login.refresh_token);
      const { sid } = claimsOf(login.access_token);
      const { body } = await admin('GET', `/sessions/${sid}`);
      t.match(body, {
        id: sid,
        user_id: user.id,
        client_id: world.app.id,
        state: 'active',
        generation: 1,
        address: '127.0.0.1',
        scope: 'read write',
        user_agent: String,
      });
      t.same(
        (body as unknown as Session).lineage.map(({ generation }) => generation),
        [1, 0],
      );
      t.notOk(JSON.stringify(body).includes('secret'));
    });

    t.test('revoke ends the session and its access tokens, and no other', async (t) => {
      const [{ body: ended }, { body: other }] = [await world.login(), await world.login()];
      const { body } = await admin('POST', `/sessions/${claimsOf(ended.access_token).sid}/revoke`);
      t.match(body, { state: 'revoked', revoked_reason: 'revoked' });
      t.equal(await world.isActive(ended.access_token), false);
      t.match(await world.refresh(ended.refresh_token), { status: 400, body: { reason: 'revoked' } });
      t.equal(await world.isActive(other.access_token), true);
      const again = await admin('POST', `/sessions/${claimsOf(ended.access_token).sid}/revoke`);
      t.match(again, { status: 200, body: { state: 'revoked' } }, 'to end what has ended is no error');
    });

    t.test('lists filter by user, client and state, newest first, in pages without repeats', async (t) => {
      const everything = await list(`?user=${encodeURIComponent(user.email)}`);
      const active = await list(`?client=${world.app.id}&active=true`);
      t.ok(active.length > 0 && active.length < everything.length);
      t.ok(active.every(({ state }) => state === 'active'));
      const { body: first } = await admin('GET', `/sessions?user=${user.id}&limit=1`);
      const rest = await list(`?user=${user.id}&after=${first.next_cursor}`);
      t.same([...(first.sessions as Session[]), ...rest], everything);
      t.equal((await admin('GET', '/sessions?user=nobody%40example.org')).status, 404);
      t.equal((await admin('GET', '/sessions?after=nonsense')).status, 400);
      t.equal((await admin('GET', '/sessions/not-an-id')).status, 400);
      t.equal((await admin('GET', '/sessions/0f0e9c9a-5f0c-4f4e-8d7a-3c1f9a7d0b11')).status, 404);
    });

    t.test("users list and end their own sessions, and nobody else's", async (t) => {
      const { storage } = server.first.server;
      const blocklist = new Blocklist(storage.revocations, storage.revocationView);
      const own = new OwnSessions(storage.administration.sessions, blocklist);
      const stranger = '0f0e9c9a-5f0c-4f4e-8d7a-3c1f9a7d0b11';
      const [{ body: here }, { body: there }] = [await world.login(), await world.login()];
      const [sid, otherSid] = [here, there].map(({ access_token }) => claimsOf(access_token).sid ?? '');
      const listed = await own.list(user.id, sid);
      t.same(
        listed.filter(({ current }) => current).map(({ id }) => id),
        [sid],
      );
      t.same(await own.list(stranger, undefined), []);
      t.equal(await own.end(stranger, otherSid ?? ''), 'unknown');
      t.equal(await own.end(user.id, otherSid ?? ''), 'ended');
      t.equal(await own.end(user.id, otherSid ?? ''), 'unknown');
      t.equal(await world.isActive(there.access_token), false);
      t.equal(await own.endAll(user.id, sid), listed.length - 2);
      t.equal(await world.isActive(here.access_token), true);
      t.equal(await own.endAll(user.id), 1);
      t.equal(await world.isActive(here.access_token), false);
    });
  });
}
