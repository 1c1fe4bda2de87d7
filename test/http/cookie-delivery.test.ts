// What a cookie client gets and what it is refused, over HTTP and without a browser.
import t from 'tap';
import { basic } from '../support/http-client.js';
import { type SeededUser, seedClient, seedUser } from '../support/seed.js';
import { type RunningServer, startServer } from '../support/server.js';
import type { Scope } from '../support/services.js';

const origin = 'https://shop.example';
const own = { origin, 'keyturn-request': '1' };
const clearedCookie = /^__Host-keyturn-refresh-shop=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Strict$/;

interface Customer {
  server: RunningServer;
  user: SeededUser;
  /** Logs in and answers the cookie as a browser would send it. */
  login(headers?: Record<string, string>): Promise<string>;
  /** How many generations all of the user's sessions have. */
  generations(): Promise<number>;
  refresh(cookie: string | undefined, headers?: Record<string, string>): ReturnType<RunningServer['post']>;
}

async function openShop(t: Scope, settings: Record<string, string> = {}): Promise<RunningServer> {
  const server = await startServer(t, { settings });
  await seedClient(server.database, { id: 'shop', origins: [origin], refreshDelivery: 'cookie' });
  await seedClient(server.database, {
    id: 'other',
    origins: ['https://other.example'],
    refreshDelivery: 'cookie',
  });
  return server;
}

/** A user of their own for each test. */
async function newCustomer(server: RunningServer): Promise<Customer> {
  const user = await seedUser(server.database);
  return {
    server,
    user,
    async login(headers = {}) {
      const answer = await server.token(loginForm(user), headers);
      return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    },
    generations: () => server.database.prisma.refreshToken.count({ where: { session: { userId: user.id } } }),
    refresh: (cookie, headers = own) =>
      server.post('/token/refresh', { client_id: 'shop' }, { ...headers, ...(cookie && { cookie }) }),
  };
}

function loginForm({ email, password }: SeededUser) {
  return { grant_type: 'password', username: email, password, client_id: 'shop' };
}

const shop = await openShop(t);

t.test('a login puts the refresh token into the cookie and not into the body', async (t) => {
  const { server, user } = await newCustomer(shop);
  const { status, body, headers } = await server.token(loginForm(user));
  t.equal(status, 200);
  t.type(body.access_token, 'string');
  t.notOk('refresh_token' in body);
  t.equal(headers.get('cache-control'), 'no-store');
  t.match(headers.getSetCookie(), [
    /^__Host-keyturn-refresh-shop=ktr_[\w-]+; Max-Age=25919\d\d; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  ]);
});

t.test('the cookie does not outlive the session', async (t) => {
  const { server, user } = await newCustomer(
    await openShop(t, {
      SESSION_ABSOLUTE_TTL_SECONDS: '100',
      SESSION_IDLE_TTL_SECONDS: '100',
    }),
  );
  const startedAt = performance.now();
  const { headers } = await server.token(loginForm(user));
  const [, maxAge] = /Max-Age=(\d+);/.exec(headers.getSetCookie()[0] ?? '') ?? [];
  t.ok(Number(maxAge) <= 100, 'it does not outlive the session');
  t.ok(Number(maxAge) >= 99 - (performance.now() - startedAt) / 1000, 'and ends with it');
});

t.test('a login without a browser needs no origin; one from a page needs a registered one', async (t) => {
  const { server, user } = await newCustomer(shop);
  for (const refused of ['https://evil.test', 'https://other.example', 'null']) {
    const { status, body, headers } = await server.token(loginForm(user), { origin: refused });
    t.match({ status, body }, { status: 403, body: { error: 'access_denied' } }, refused);
    t.same(headers.getSetCookie(), []);
  }
  t.equal((await server.token(loginForm(user), { origin })).status, 200);
});

t.test('a login is held to the origin in whichever way it names its client', async (t) => {
  const { server, user, generations } = await newCustomer(shop);
  const { client_id: _id, ...form } = loginForm(user);
  // What a browser sends for a form of a foreign page whose URL is https://shop:@the-server/token.
  const byUrl = basic('shop', '');
  for (const foreign of [
    { origin: 'https://evil.test' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
  ]) {
    const { status, body, headers } = await server.token(form, { ...byUrl, ...foreign });
    t.equal(status, 403);
    t.equal(body.error, 'access_denied');
    t.same(headers.getSetCookie(), []);
  }
  t.equal(await generations(), 0, 'no session was begun');
  t.equal((await server.token(form, { ...byUrl, origin })).status, 200);
});

t.test('a refresh by cookie rotates it; a retry gets the same successor', async (t) => {
  const { login, refresh } = await newCustomer(shop);
  const cookie = await login();
  const answers = [await refresh(cookie), await refresh(cookie)];
  const [first, second] = answers.map(({ headers }) => headers.getSetCookie()[0]?.split(';')[0]);
  t.same(
    answers.map(({ status }) => status),
    [200, 200],
  );
  t.not(first, cookie);
  t.equal(second, first);
  for (const { text } of answers) t.notMatch(text, /ktr_|refresh_token/);
});

t.test('fifty refreshes of one cookie at once end with one successor', async (t) => {
  const { login, refresh } = await newCustomer(shop);
  const cookie = await login();
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(cookie)));
  t.same([...new Set(answers.map(({ status }) => status))], [200]);
  t.equal(new Set(answers.map(({ headers }) => headers.getSetCookie()[0]?.split(';')[0])).size, 1);
});

t.test('a request by cookie that no page of the client made is refused, and changes nothing', async (t) => {
  const { server, login, refresh, generations } = await newCustomer(shop);
  const cookie = await login();
  const foreign = {
    'no origin': { 'keyturn-request': '1' },
    'no header': { origin },
    'another origin': { ...own, origin: 'https://evil.test' },
    "another client's origin": { ...own, origin: 'https://other.example' },
    'an opaque origin': { ...own, origin: 'null' },
    'another site': { ...own, 'sec-fetch-site': 'cross-site' },
  };
  for (const [name, headers] of Object.entries(foreign)) {
    const logout = await server.post('/revoke', { client_id: 'shop' }, { ...headers, cookie });
    for (const answer of [await refresh(cookie, headers), logout]) {
      const { status, body } = answer;
      t.match({ status, body }, { status: 403, body: { error: 'access_denied' } }, name);
      t.equal(answer.headers.get('cache-control'), 'no-store');
      t.same(answer.headers.getSetCookie(), []);
    }
  }
  const rotated = await generations();
  t.equal(rotated, 1, 'nothing has rotated');
  t.equal((await refresh(cookie)).status, 200);
});

t.test('GET never refreshes', async (t) => {
  const { server, login, generations } = await newCustomer(shop);
  const cookie = await login();
  t.equal((await server.get('/token/refresh?client_id=shop', { ...own, cookie })).status, 405);
  t.equal(await generations(), 1);
});

t.test('two cookies of the name are refused, and neither is used or cleared', async (t) => {
  const { login, refresh, generations } = await newCustomer(shop);
  const cookie = await login();
  const answer = await refresh(`${cookie}; __Host-keyturn-refresh-shop=planted`);
  t.match({ ...answer }, { status: 400, body: { error: 'invalid_request' } });
  t.same(answer.headers.getSetCookie(), []);
  t.equal(await generations(), 1);
});

t.test('no cookie is no session', async (t) => {
  const { server, refresh } = await newCustomer(shop);
  t.match({ ...(await refresh(undefined)) }, { status: 400, body: { error: 'invalid_grant' } });
  const logout = await server.post('/revoke', { client_id: 'shop' }, own);
  t.equal(logout.status, 200);
  t.match(logout.headers.getSetCookie(), [clearedCookie]);
});

t.test('the cookie is cleared when the session is over, with the reason', async (t) => {
  const { server, user, login, refresh } = await newCustomer(shop);
  const ends = {
    revoked: async (cookie: string) => {
      await server.post('/revoke', { client_id: 'shop' }, { ...own, cookie });
      return cookie;
    },
    reused: async (cookie: string) => {
      const next = (await refresh(cookie)).headers.getSetCookie()[0]?.split(';')[0];
      await refresh(next);
      return cookie;
    },
    expired: async (cookie: string) => {
      await server.database.prisma.session.updateMany({
        where: { userId: user.id },
        data: { idleExpiresAt: new Date(0) },
      });
      return cookie;
    },
  };
  for (const [reason, end] of Object.entries(ends)) {
    const answer = await refresh(await end(await login()));
    t.match({ ...answer }, { status: 400, body: { error: 'invalid_grant', reason } });
    t.match(answer.headers.getSetCookie(), [clearedCookie], reason);
  }
  const garbage = await refresh('__Host-keyturn-refresh-shop=garbage');
  t.match({ ...garbage }, { status: 400, body: { error: 'invalid_grant' } });
  t.match(garbage.headers.getSetCookie(), [clearedCookie]);
});

t.test('a cookie of one client is nothing to another', async (t) => {
  const { server, login, refresh } = await newCustomer(shop);
  const cookie = await login();
  const value = cookie.split('=')[1];
  const theirs = { origin: 'https://other.example', 'keyturn-request': '1' };
  const planted = { ...theirs, cookie: `__Host-keyturn-refresh-other=${value}` };
  t.match(
    { ...(await server.post('/token/refresh', { client_id: 'other' }, planted)) },
    {
      status: 400,
      body: { error: 'invalid_grant' },
    },
  );
  t.equal((await refresh(cookie)).status, 200, 'and its session is not touched');
});

t.test('a failure that is not the end of the session keeps the cookie', async (t) => {
  const { server, login, refresh } = await newCustomer(await openShop(t));
  const cookie = await login();
  await server.database.prisma.$executeRaw`ALTER TABLE sessions RENAME TO elsewhere`;
  const answer = await refresh(cookie);
  t.ok(answer.status >= 500);
  t.same(answer.headers.getSetCookie(), []);
});

t.test('a login takes the place of the session whose cookie it overwrites', async (t) => {
  const { login, refresh } = await newCustomer(shop);
  const first = await login();
  const second = await login({ cookie: first });
  t.match({ ...(await refresh(first)) }, { status: 400, body: { reason: 'revoked' } });
  t.equal((await refresh(second)).status, 200);
});

t.test('a refresh token in the form acts as at /token, and its successor goes into the cookie', async (t) => {
  const { server, login } = await newCustomer(shop);
  const token = (await login()).split('=')[1] ?? '';
  const answer = await server.post('/token/refresh', { client_id: 'shop', refresh_token: token });
  t.equal(answer.status, 200);
  t.notOk('refresh_token' in answer.body);
  t.match(answer.headers.getSetCookie(), [/^__Host-keyturn-refresh-shop=ktr_/]);
  const foreign = { origin: 'https://evil.test' };
  const form = { client_id: 'shop', refresh_token: token };
  t.equal((await server.post('/token/refresh', form, foreign)).status, 403);
});

t.test(
  'clients without cookie delivery are given the refresh token in the body, and never a cookie',
  async (t) => {
    const { server, user } = await newCustomer(shop);
    const app = await seedClient(server.database);
    const login = await server.token({ ...loginForm(user), client_id: app.id });
    t.same(login.headers.getSetCookie(), []);
    const form = { client_id: app.id, refresh_token: login.body.refresh_token };
    const refreshed = await server.post('/token/refresh', form);
    t.match(refreshed.body.refresh_token, /^ktr_/);
    t.same(refreshed.headers.getSetCookie(), []);
  },
);

t.test(
  'CORS: exact and with credentials for registered origins, open and without for what is public',
  async (t) => {
    const { server, refresh } = await newCustomer(shop);
    const allowed = await refresh(undefined);
    t.equal(allowed.headers.get('access-control-allow-origin'), origin);
    t.equal(allowed.headers.get('access-control-allow-credentials'), 'true');
    t.match(allowed.headers.get('vary'), /Origin/);
    const refused = await refresh(undefined, { ...own, origin: 'https://evil.test' });
    t.equal(refused.headers.get('access-control-allow-origin'), null);
    t.match(refused.headers.get('vary'), /Origin/);
    for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server']) {
      const { headers } = await server.get(path, { origin });
      t.equal(headers.get('access-control-allow-origin'), '*');
      t.equal(headers.get('access-control-allow-credentials'), null);
    }
  },
);

t.test('CORS: a preflight is answered for registered origins only', async (t) => {
  const { server } = await newCustomer(shop);
  const ask = (from: string, path: string, method: string) =>
    server.send(path, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': method,
        'access-control-request-headers': 'keyturn-request',
      },
    });
  for (const [path, method] of [
    ['/token', 'POST'],
    ['/sessions/x', 'DELETE'],
  ] as const) {
    const { status, headers } = await ask(origin, path, method);
    t.equal(status, 204);
    t.equal(headers.get('access-control-allow-origin'), origin);
    t.match(headers.get('access-control-allow-methods'), method);
    for (const foreign of ['https://evil.test', 'null']) {
      t.equal((await ask(foreign, path, method)).headers.get('access-control-allow-origin'), null);
    }
  }
});
