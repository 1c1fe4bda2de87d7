import t from 'tap';
import { adminApi } from '../support/admin.js';
import { startServer } from '../support/server.js';
import { backends } from '../support/variants.js';
import { claimsOf, startWorld } from '../support/world.js';

const password = 'correct horse battery staple';

for (const backend of backends()) {
  t.test(backend.name, backend.options, async (t) => {
    const world = await startWorld(t, backend.storage);
    const { server } = world;
    const admin = await adminApi(server);
    const login = (username: string, secret: string) => world.login({ username, password: secret });

    t.test(
      'a user is created canonical, can log in by both names, and the token has what was given',
      async (t) => {
        const { status, body } = await admin('POST', '/users', {
          email: ' Ann@EXAMPLE.org',
          username: 'Ann.B',
          password,
          roles: ['editor', 'editor'],
          permissions: ['books:write'],
          org_id: 'acme',
          claims: { tier: 'gold' },
        });
        t.equal(status, 201);
        t.match(body, { email: 'ann@example.org', username: 'ann.b', roles: ['editor'], disabled: false });
        t.notOk(JSON.stringify(body).includes('argon2'), 'no hash leaves the server');
        for (const name of ['ann@example.org', 'ANN.B']) {
          const { access_token } = (await login(name, password)).body;
          t.match(claimsOf(access_token), {
            ...{
              sub: body.id,
              roles: ['editor'],
              permissions: ['books:write'],
              org_id: 'acme',
              tier: 'gold',
            },
          });
        }
      },
    );

    t.test('e-mail addresses and usernames are unique, in whatever spelling', async (t) => {
      await admin('POST', '/users', { email: 'bob@example.org', username: 'bob', password });
      const sameEmail = await admin('POST', '/users', { email: 'BOB@example.org', password });
      const sameName = await admin('POST', '/users', { email: 'b2@example.org', username: 'BOB', password });
      t.same([sameEmail.status, sameName.status], [409, 409]);
      const other = await admin('POST', '/users', { email: 'b3@example.org', password });
      const renamed = await admin('PATCH', `/users/${other.body.id}`, { username: 'bob' });
      t.equal(renamed.status, 409);
      t.equal((await admin('GET', '/users/b3%40example.org')).body.username, null, 'nothing was changed');
    });

    t.test('ten creations of one user at once make one user', async (t) => {
      const draft = { email: 'race@example.org', password };
      const answers = await Promise.all(Array.from({ length: 10 }, () => admin('POST', '/users', draft)));
      t.same(answers.map(({ status }) => status).sort(), [201, ...Array(9).fill(409)]);
    });

    t.test('what cannot be stored or would spoil tokens is refused with the member named', async (t) => {
      const refused: [string, object][] = [
        ['email', { email: 'no address' }],
        ['email', { email: 5 }],
        ['username', { username: 'a b' }],
        ['username', { username: '0f0e9c9a-5f0c-4f4e-8d7a-3c1f9a7d0b11' }],
        ['password', { password: 'short' }],
        ['password', { password: 'x'.repeat(1025) }],
        ['roles', { roles: ['two words'] }],
        ['roles', { roles: 'editor' }],
        ['permissions', { permissions: Array.from({ length: 400 }, (_, index) => `permission:${index}`) }],
        ['claims', { claims: { sub: 'somebody else' } }],
        ['claims', { claims: { long: 'x'.repeat(2048) } }],
        ['claims', { claims: [] }],
        ['Nested', { claims: { deep: JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) } }],
        ['NUL', { claims: { text: 'a\0b' } }],
        ['surrogates', { org_id: '\ud800' }],
        ['bogus', { bogus: 1 }],
      ];
      for (const [named, member] of refused) {
        const { status, body } = await admin('POST', '/users', {
          email: 'c@example.org',
          password,
          ...member,
        });
        t.equal(status, 400, JSON.stringify(member).slice(0, 60));
        t.match(body.error_description, named);
      }
      t.equal((await admin('GET', '/users/c%40example.org')).status, 404);
    });

    t.test(
      'NIST SP 800-63B §3.1.1.2: eight characters are counted as characters, and any may be in it',
      async (t) => {
        const eight = 'ü😀 ü😀 ü😀';
        t.equal((await admin('POST', '/users', { email: 'd@example.org', password: eight })).status, 201);
        t.equal((await login('d@example.org', eight)).status, 200);
      },
    );

    t.test('a change is in the tokens from the next refresh on', async (t) => {
      const { body: user } = await admin('POST', '/users', {
        email: 'e@example.org',
        password,
        roles: ['old'],
      });
      const { body: first } = await login('e@example.org', password);
      const changed = await admin('PATCH', `/users/${user.id}`, {
        roles: ['new'],
        org_id: null,
        claims: { a: 1 },
      });
      t.match(changed.body, { roles: ['new'], claims: { a: 1 }, email: 'e@example.org' });
      const refreshed = await world.refresh(first.refresh_token);
      t.match(claimsOf(refreshed.body.access_token), { roles: ['new'], a: 1 });
      t.equal((await admin('PATCH', `/users/${user.id}`, {})).status, 400, 'nothing to change');
    });

    const endings: [name: string, method: string, path: string, body: object | undefined, again: boolean][] =
      [
        ['disable', 'POST', '/disable', undefined, false],
        ['set-password', 'POST', '/set-password', { password: 'another password' }, false],
        ['revoke-sessions', 'POST', '/revoke-sessions', undefined, true],
        ['delete', 'DELETE', '', undefined, false],
      ];
    for (const [name, method, path, body, canLoginAgain] of endings) {
      t.test(`${name} ends every session and revokes every token of the user`, async (t) => {
        const email = `${name}@example.org`;
        const { body: user } = await admin('POST', '/users', { email, password });
        const sessions = [await login(email, password), await login(email, password)];
        const { status, body: answer } = await admin(method, `/users/${user.id}${path}`, body);
        t.equal(status, 200);
        t.equal(answer.ended_sessions, 2);
        for (const { body: tokens } of sessions) {
          t.equal(await world.isActive(tokens.access_token), false);
          t.match(await world.refresh(tokens.refresh_token), {
            status: 400,
            body: { error: 'invalid_grant' },
          });
        }
        t.equal((await login(email, password)).status, canLoginAgain ? 200 : 400);
      });
    }

    t.test('tokens of a login right after revoke-sessions are good', async (t) => {
      const { body: user } = await admin('POST', '/users', { email: 'f@example.org', password });
      await admin('POST', `/users/${user.id}/revoke-sessions`);
      const { body } = await login('f@example.org', password);
      t.equal(await world.isActive(body.access_token), true);
    });

    t.test('an enabled user logs in again; the old sessions stay ended', async (t) => {
      const { body: user } = await admin('POST', '/users', { email: 'g@example.org', password });
      const { body: before } = await login('g@example.org', password);
      await admin('POST', `/users/${user.id}/disable`);
      t.match((await admin('POST', `/users/${user.id}/enable`)).body, { disabled: false });
      t.equal((await world.refresh(before.refresh_token)).status, 400);
      const { body: after } = await login('g@example.org', password);
      t.equal(await world.isActive(after.access_token), true);
      t.equal(await world.isActive(before.access_token), false);
    });

    t.test('lists come in pages, each user once, by e-mail address', async (t) => {
      const emails: unknown[] = [];
      let cursor = '';
      do {
        const { body } = await admin('GET', `/users?limit=3${cursor && `&after=${cursor}`}`);
        emails.push(...(body.users as { email: string }[]).map(({ email }) => email));
        cursor = (body.next_cursor as string | null) ?? '';
      } while (cursor);
      t.same(emails, [...new Set(emails)].sort());
      t.ok(emails.includes('ann@example.org') && emails.includes('g@example.org'));
      t.equal((await admin('GET', '/users?limit=0')).status, 400);
      t.equal((await admin('GET', '/users?limit=1&limit=2')).status, 400);
    });
  });
}

t.test('a login that races a set-password never leaves a live session of the old password', async (t) => {
  const world = await startWorld(t);
  const admin = await adminApi(world.server);
  for (let round = 0; round < 5; round += 1) {
    const email = `race${round}@example.org`;
    const { body: user } = await admin('POST', '/users', { email, password });
    const login = () => world.login({ username: email, password });
    const [first, second, , third] = await Promise.all([
      login(),
      login(),
      admin('POST', `/users/${user.id}/set-password`, { password: 'another password' }),
      login(),
    ]);
    for (const { body } of [first, second, third].filter(({ status }) => status === 200)) {
      t.equal((await world.refresh(body.refresh_token)).status, 400);
      t.equal(await world.isActive(body.access_token), false);
    }
  }
});

t.test('the longest of everything still makes an access token below 8 kB', async (t) => {
  const server = await startServer(t, { settings: { SIGNING_ALG: 'RS256' } });
  const admin = await adminApi(server);
  const names = (count: number, length: number) =>
    Array.from({ length: count }, (_, index) => `${index}:`.padEnd(length, 'x'));
  const claims = { text: 'x'.repeat(2037) };
  const user = { email: 'long@example.org', password, org_id: 'o'.repeat(128), claims };
  t.equal(
    (await admin('POST', '/users', { ...user, roles: names(11, 128), permissions: names(2, 16) })).status,
    201,
  );
  const client = {
    client_id: 'c'.repeat(100),
    type: 'public',
    grants: ['password', 'refresh_token'],
    scope: names(5, 100).join(' '),
    audiences: names(5, 95).map((name) => `u${name}`),
  };
  t.match(await admin('POST', '/clients', client), { status: 201 });
  const login = { grant_type: 'password', username: user.email, password, client_id: client.client_id };
  const { body } = await server.token(login);
  t.ok(
    body.access_token.length > 6_000 && body.access_token.length < 8_192,
    `${body.access_token.length} bytes`,
  );
});
