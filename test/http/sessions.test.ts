import t from 'tap';
import { seedClient, seedUser } from '../support/seed.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld, type World } from '../support/world.js';

interface Session {
  id: string;
  client_id: string;
  label: string | null;
  user_agent: string | null;
  address: string | null;
  created_at: number;
  last_used_at: number;
  expires_at: number;
  current: boolean;
}

function bearer(accessToken: string) {
  return { authorization: `Bearer ${accessToken}` };
}

async function sessionsOf(world: World, accessToken: string): Promise<Session[]> {
  const answer = await world.server.get('/sessions', bearer(accessToken));
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.body.sessions as Session[];
}

function end(world: World, path: string, accessToken: string) {
  return world.server.send(path, { method: 'DELETE', headers: bearer(accessToken) });
}

for (const backend of backends()) {
  t.test(backend.name, backend.options, async (t) => {
    const world = await startWorld(t, backend.storage);
    const { server } = world;

    t.test('a user sees their sessions: device, label, beginning, last use, end', async (t) => {
      const before = Math.floor(Date.now() / 1000);
      const laptop = (await world.login({ device_label: 'Laptop – Küche' })).body;
      const phone = (await world.login()).body;
      const sessions = await sessionsOf(world, phone.access_token);
      t.equal(sessions.length, 2);
      t.same(
        sessions.map(({ id }) => id),
        [phone, laptop].map(({ access_token }) => claimsOf(access_token).sid),
        'newest first',
      );
      t.same(
        sessions.map(({ current, label }) => ({ current, label })),
        [
          { current: true, label: null },
          { current: false, label: 'Laptop – Küche' },
        ],
      );
      const [session] = sessions;
      t.match(session, { client_id: world.app.id, address: '127.0.0.1', user_agent: 'node' });
      for (const time of [session?.created_at, session?.last_used_at]) {
        t.ok(Number.isInteger(time) && time && time >= before && time <= before + 30);
      }
      t.ok(Number.isInteger(session?.expires_at) && session && session.expires_at > before + 86_400);
    });

    t.test('a refresh is a use', async (t) => {
      const { body } = await world.login();
      const { sid } = claimsOf(body.access_token);
      await server.database.prisma.$executeRawUnsafe(
        `UPDATE sessions SET last_used_at = now() - interval '1 hour' WHERE id = '${sid}'`,
      );
      const lastUse = async () =>
        (await sessionsOf(world, body.access_token)).find(({ id }) => id === sid)?.last_used_at ?? 0;
      const first = await lastUse();
      await world.refresh(body.refresh_token);
      t.ok((await lastUse()) >= first + 3_000);
    });

    t.test('DELETE /sessions/{id} ends it at once: its refresh token and its access tokens', async (t) => {
      const ended = (await world.login()).body;
      const own = (await world.login()).body;
      const answer = await end(world, `/sessions/${claimsOf(ended.access_token).sid}`, own.access_token);
      t.equal(answer.status, 204);
      t.equal(answer.headers.get('cache-control'), 'no-store');
      t.equal(await world.isActive(ended.access_token), false);
      t.match((await world.refresh(ended.refresh_token)).body, { error: 'invalid_grant', reason: 'revoked' });
      t.equal((await server.get('/sessions', bearer(ended.access_token))).status, 401);
      t.equal(await world.isActive(own.access_token), true);
      const again = await end(world, `/sessions/${claimsOf(ended.access_token).sid}`, own.access_token);
      t.equal(again.status, 404);
    });

    t.test('nobody sees or ends the sessions of another user', async (t) => {
      const mine = (await world.login()).body;
      const stranger = await seedUser(server.database);
      const theirs = (await world.login({ username: stranger.email })).body;
      const seen = await sessionsOf(world, theirs.access_token);
      t.equal(seen.length, 1);
      const path = `/sessions/${claimsOf(mine.access_token).sid}`;
      const answer = await end(world, path, theirs.access_token);
      t.equal(answer.status, 404);
      t.equal((await end(world, '/sessions/none', theirs.access_token)).status, 404);
      t.equal((await end(world, '/sessions', theirs.access_token)).status, 204);
      t.equal(await world.isActive(mine.access_token), true);
    });

    t.test('DELETE /sessions ends all; ?keep=current all others', async (t) => {
      const other = (await world.login()).body;
      const own = (await world.login()).body;
      for (const query of ['keep=all', 'keep=', 'except=current', 'keep=current&x=1']) {
        t.equal((await end(world, `/sessions?${query}`, own.access_token)).status, 400, query);
      }
      t.equal((await end(world, '/sessions?keep=current', own.access_token)).status, 204);
      t.equal(await world.isActive(other.access_token), false);
      t.equal(await world.isActive(own.access_token), true);
      t.equal((await end(world, '/sessions', own.access_token)).status, 204);
      t.equal(await world.isActive(own.access_token), false);
    });

    t.test('a request that says it is JSON, and has no body', async (t) => {
      const { access_token } = (await world.login()).body;
      const headers = { ...bearer(access_token), 'content-type': 'application/json' };
      t.equal((await world.server.send('/sessions', { method: 'DELETE', headers })).status, 204);
      t.equal(await world.isActive(access_token), false);
    });

    t.test('RFC 6750 §3: without a valid access token of a user there is nothing to see', async (t) => {
      const none = await server.get('/sessions');
      t.equal(none.status, 401);
      t.match(none.headers.get('www-authenticate'), /^Bearer/);
      t.notMatch(none.headers.get('www-authenticate'), /error=/, 'RFC 6750 §3.1: no error without a token');
      const wrong = await server.get('/sessions', bearer('a.b.c'));
      t.equal(wrong.status, 401);
      t.match(wrong.headers.get('www-authenticate'), /error="invalid_token"/);
      const form = { grant_type: 'client_credentials' };
      const service = await server.token(form, world.serviceHeaders);
      t.equal((await server.get('/sessions', bearer(service.body.access_token))).status, 403);
    });

    t.test('a label is short and visible', async (t) => {
      t.equal((await world.login({ device_label: 'x'.repeat(64) })).status, 200);
      for (const label of ['x'.repeat(65), 'a\nb', 'a\u202eb', 'a\u200bb']) {
        const answer = await world.login({ device_label: label });
        t.equal(answer.status, 400);
        t.equal(answer.body.error, 'invalid_request');
      }
    });

    t.test('pages of registered origins may call it', async (t) => {
      await seedClient(server.database, { origins: ['https://app.example.test'] });
      const preflight = (origin: string) =>
        server.send('/sessions/x', {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'DELETE',
            'access-control-request-headers': 'authorization',
          },
        });
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const allowed = await preflight('https://app.example.test');
      t.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example.test');
      t.match(allowed.headers.get('access-control-allow-methods'), /DELETE/);
      t.match(allowed.headers.get('access-control-allow-headers'), /authorization/i);
      const refused = await preflight('https://evil.example.test');
      t.notOk(refused.headers.get('access-control-allow-origin'));
    });
  });
}
