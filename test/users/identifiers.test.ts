/** E-mail addresses and usernames: one person is one user, however they type it. */
import t from 'tap';
import { adminApi } from '../support/admin.js';
import { startWorld } from '../support/world.js';

t.test('identifiers', async (t) => {
  const world = await startWorld(t);
  const admin = await adminApi(world.server);
  const password = 'a password of some length';
  const create = (email: string, username?: string) =>
    admin('POST', '/users', { email, password, ...(username !== undefined && { username }) });
  const login = (username: string) => world.login({ username, password });

  await t.test('are compared in NFKC and lower case', async (t) => {
    t.equal((await create('José@Example.test', 'Zoë')).status, 201);
    const spellings = [
      'josé@example.test',
      'JOSÉ@EXAMPLE.TEST',
      'jose\u0301@example.test',
      'ｊｏｓé@example.test',
      ' josé@example.test ',
      'zoë',
      'ZOË',
      'zoe\u0308',
    ];
    for (const spelling of spellings) t.equal((await login(spelling)).status, 200, spelling);
    t.equal((await login('jose@example.test')).status, 400, 'an accent is a difference');
  });

  await t.test('cannot be taken twice', async (t) => {
    for (const [email, username] of [
      ['JOSÉ@example.test', undefined],
      ['jose\u0301@example.test', undefined],
      ['another@example.test', 'ZOË'],
    ] as const) {
      t.equal((await create(email, username)).status, 409, `${email} ${username}`);
    }
  });

  await t.test('hold no character that nobody sees, and no username is an e-mail address', async (t) => {
    const addresses = ['', 'x', '@x', 'a b@example.test', 'a\u0000@example.test', 'a\u202e@example.test'];
    for (const email of [...addresses, 'a\u200b@example.test', `${'x'.repeat(300)}@example.test`]) {
      t.equal((await create(email)).status, 400, JSON.stringify(email));
    }
    for (const username of ['', 'a@b', 'a b', 'a\u200bb', '\u202ea', '-a', 'x'.repeat(65)]) {
      t.equal((await create('fine@example.test', username)).status, 400, JSON.stringify(username));
    }
  });

  await t.test('at login, what could be no identifier is just wrong', async (t) => {
    for (const name of ['a\u0001', '\u202e', 'x'.repeat(5_000), '💥', "' OR 1=1 --", '{"$ne":""}']) {
      const answer = await login(name);
      t.equal(answer.status, 400, JSON.stringify(name).slice(0, 40));
      t.equal(answer.body.error, 'invalid_grant');
    }
  });
});
