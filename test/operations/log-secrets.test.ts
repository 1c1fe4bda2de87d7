/** At the most talkative level, through whatever can go wrong, no secret is ever written. */
import { Redis } from 'ioredis';
import t from 'tap';
import { basic } from '../support/http-client.js';
import { seedClient, seedUser, withDatabase } from '../support/seed.js';
import { prepareServerProcess } from '../support/server-process.js';
import { needs, privateRedis, runSql, type Scope } from '../support/services.js';

const userPassword = 'Zq7-user-password';
const newPassword = 'Zq7-new-user-password';
const databasePassword = 'Zq7-database-password';
const redisPassword = 'Zq7-redis-password';

async function redisWithPassword(t: Scope): Promise<string> {
  const redis = await privateRedis(t);
  const client = new Redis(redis.url);
  await client.config('SET', 'requirepass', redisPassword);
  client.disconnect();
  return redis.url.replace('redis://', `redis://:${redisPassword}@`);
}

function withPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.username ||= 'root';
  url.password = databasePassword;
  return url.href;
}

t.test('LOG_LEVEL=trace tells no secret', needs('postgres', 'private redis'), async (t) => {
  const settings = { LOG_LEVEL: 'trace', REDIS_URL: await redisWithPassword(t) };
  const server = await prepareServerProcess(t, { database: 'postgres', settings });
  const { DATABASE_URL = '' } = server.settings;
  server.settings.DATABASE_URL = withPassword(DATABASE_URL);
  const { user, app, spa, service, admin } = await withDatabase(server.settings, async (database) => ({
    user: await seedUser(database, { password: userPassword }),
    app: await seedClient(database),
    spa: await seedClient(database, { refreshDelivery: 'cookie', origins: ['https://app.example.test'] }),
    service: await seedClient(database, { type: 'confidential' }),
    admin: await seedClient(database, { type: 'confidential', scope: ['keyturn:admin'] }),
  }));
  await server.start();
  const secrets = [userPassword, newPassword, databasePassword, redisPassword, service.secret, admin.secret];
  const login = { grant_type: 'password', username: user.email, password: userPassword, client_id: app.id };
  const keep = (...values: (string | undefined)[]) => {
    for (const value of values) if (value) secrets.push(value);
  };

  await t.test('through logins, refreshes, reuse, cookies, revocations, introspections', async (t) => {
    const first = (await server.token(login)).body;
    const second = (await server.refresh(first.refresh_token, { client_id: app.id })).body;
    const third = (await server.refresh(second.refresh_token, { client_id: app.id })).body;
    t.equal((await server.refresh(first.refresh_token, { client_id: app.id })).body.reason, 'reused');
    keep(
      first.access_token,
      first.refresh_token,
      second.refresh_token,
      third.access_token,
      third.refresh_token,
    );

    const byCookie = await server.token({ ...login, client_id: spa.id });
    const cookie = byCookie.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    keep(cookie.split('=')[1], byCookie.body.access_token);
    const page = { cookie, origin: 'https://app.example.test', 'keyturn-request': '1' };
    const refreshed = await server.post('/token/refresh', { client_id: spa.id }, page);
    t.equal(refreshed.status, 200);
    keep(refreshed.headers.getSetCookie()[0]?.split(';')[0]?.split('=')[1], refreshed.body.access_token);

    const headers = basic(service.id, service.secret);
    await server.introspect(refreshed.body.access_token, headers);
    await server.revoke(refreshed.body.access_token, { client_id: spa.id });
    await server.get('/sessions', { authorization: `Bearer ${third.access_token}` });
  });

  await t.test('through refusals, and secrets in the wrong place', async () => {
    await server.token({ ...login, password: newPassword });
    await server.token({ ...login, client_id: service.id, client_secret: newPassword });
    await server.get(`/token?password=${newPassword}`);
    await server.get(`/${newPassword}-in-the-path-of-a-request`);
    await server.get(`/sessions/${secrets.at(-1)}`, { authorization: `Bearer ${newPassword}` });
    // As long as an id may be: the refresh token of a login.
    const { refresh_token: refreshToken } = (await server.token(login)).body;
    keep(refreshToken);
    for (const path of ['/sessions', '/admin/users', '/admin/clients']) {
      await server.send(`${path}/${refreshToken}`, { method: 'DELETE' });
    }
    await server.post('/token', `password=${newPassword}&password=${newPassword}`);
    await server.get(`/%zz?${newPassword}`);
  });

  await t.test('through admin operations', async (t) => {
    const form = { grant_type: 'client_credentials', scope: 'keyturn:admin' };
    const { access_token: token } = (await server.token(form, basic(admin.id, admin.secret))).body;
    keep(token);
    const post = (body: string) =>
      server.send('/admin/users', {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      });
    const created = await post(JSON.stringify({ email: 'new@example.test', password: newPassword }));
    t.equal(created.status, 201);
    await post(JSON.stringify({ email: 'new@example.test', password: newPassword }));
    await post(JSON.stringify({ email: newPassword, password: [newPassword] }));
    await post(`{"password": "${newPassword}`);
  });

  await t.test('through failures inside', async (t) => {
    await runSql(DATABASE_URL, 'ALTER TABLE sessions RENAME TO gone');
    t.equal((await server.token(login)).status, 500);
    await runSql(DATABASE_URL, 'ALTER TABLE gone RENAME TO sessions');
    await runSql(
      DATABASE_URL,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await server.token(login);
  });

  await server.stop();
  const { output } = server;
  t.match(output, /"msg":"request"/);
  t.match(output, /"level":50/, 'there was something to tell');
  for (const secret of new Set(secrets)) {
    t.ok(secret.length > 8);
    const line = output.split('\n').find((candidate) => candidate.includes(secret));
    t.equal(line, undefined, 'no line holds it');
  }
});
