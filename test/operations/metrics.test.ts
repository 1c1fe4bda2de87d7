import t from 'tap';
import type { Answer } from '../support/http-client.js';
import { startServer } from '../support/server.js';
import { needs } from '../support/services.js';
import { atBest } from '../support/undisturbed.js';
import { startWorld, type World } from '../support/world.js';

/** The series of a metric: its labels, as text, and its value. */
async function series(world: World, name: string): Promise<Map<string, number>> {
  const { text } = await world.server.get('/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return new Map(
    lines.map((line) => {
      const [labels = '', value] = line.slice(name.length).split(/ (?=[^ ]+$)/);
      return [labels, Number(value)];
    }),
  );
}

t.test('figures follow what happens', async (t) => {
  const world = await startWorld(t, { settings: { LOGIN_RATE_PER_MINUTE: '2' } });
  const first = (await world.login()).body;
  const second = (await world.refresh(first.refresh_token)).body;
  await world.refresh(first.refresh_token);
  await world.refresh(second.refresh_token);
  await world.refresh(first.refresh_token);
  await world.refresh(first.refresh_token);
  await world.refresh('ktr_garbage');
  const other = (await world.login()).body;
  await world.revoke(other.access_token);
  await world.login({ password: 'wrong' });
  await world.login({ password: 'wrong' });
  await world.login();
  await world.server.token({ grant_type: 'client_credentials' }, world.serviceHeaders);

  t.same(
    await series(world, 'keyturn_tokens_issued_total'),
    new Map([
      ['{grant="password"}', 2],
      ['{grant="refresh_token"}', 3],
      ['{grant="client_credentials"}', 1],
    ]),
  );
  t.same(
    await series(world, 'keyturn_refreshes_total'),
    new Map([
      ['{outcome="rotated"}', 2],
      ['{outcome="retry"}', 1],
      ['{outcome="reused"}', 2],
      ['{outcome="expired"}', 0],
      ['{outcome="revoked"}', 0],
      ['{outcome="unknown"}', 1],
    ]),
  );
  t.same(
    await series(world, 'keyturn_logins_total'),
    new Map([
      ['{outcome="succeeded"}', 2],
      ['{outcome="failed"}', 2],
      ['{outcome="limited"}', 1],
    ]),
  );
  t.same(
    await series(world, 'keyturn_revocations_total'),
    new Map([
      ['{type="sid"}', 1],
      ['{type="jti"}', 1],
    ]),
  );
});

t.test('labels are of routes, not of paths: nobody can make up series', async (t) => {
  const world = await startWorld(t);
  for (let index = 0; index < 20; index += 1) await world.server.get(`/made-up-${index}`);
  await world.server.send('/sessions/some-id', { method: 'DELETE' });
  const requests = await series(world, 'keyturn_http_request_duration_seconds_count');
  t.equal(requests.get('{method="GET",route="unknown",status="404"}'), 20);
  t.equal(requests.get('{method="DELETE",route="/sessions/:id",status="401"}'), 1);
  t.notMatch([...requests.keys()].join(), /made-up|some-id/);
});

t.test('durations are counted as Prometheus reads them', async (t) => {
  const world = await startWorld(t);
  const startedAt = performance.now();
  for (let count = 0; count < 3; count += 1) await world.server.get('/.well-known/jwks.json');
  const takenSeconds = (performance.now() - startedAt) / 1000;
  const name = 'keyturn_http_request_duration_seconds';
  const labels = 'method="GET",route="/.well-known/jwks.json",status="200"';
  const buckets = [...(await series(world, `${name}_bucket`))].filter(([series]) => series.includes(labels));
  const limits = buckets.map(([series]) => /le="([^"]+)"/.exec(series)?.[1]);
  t.same(limits, [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, '+Inf'].map(String));
  const counts = buckets.map(([, count]) => count);
  t.same(
    counts,
    counts.toSorted((a, b) => a - b),
    'each bucket holds the smaller ones',
  );
  t.equal(counts.at(-1), 3);
  t.equal((await series(world, `${name}_count`)).get(`{${labels}}`), 3);
  const seconds = (await series(world, `${name}_sum`)).get(`{${labels}}`) ?? Number.NaN;
  t.ok(seconds > 0 && seconds < takenSeconds, `${seconds} s`);
  const { text } = await world.server.get('/metrics');
  t.match(text, new RegExp(`^# TYPE ${name} histogram$`, 'm'));
});

t.test('the process, the hash queue, and without PostgreSQL or Redis nothing of them', async (t) => {
  const { server } = await startWorld(t);
  const { text, headers } = await server.get('/metrics');
  t.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes'])
    t.match(text, name);
  t.match(text, /^keyturn_password_hash_queue_length 0$/m);
  t.notMatch(text, /keyturn_redis_up|keyturn_database_connections/);
});

t.test('PostgreSQL and Redis', needs('postgres', 'redis'), async (t) => {
  const { server } = await startWorld(t, { database: 'postgres', redis: true });
  const healthy = [
    /^keyturn_redis_up 1$/m,
    /^keyturn_database_connections [1-9]/m,
    /^keyturn_database_requests_waiting 0$/m,
  ];
  const isHealthy = ({ text }: Answer) => healthy.every((line) => line.test(text));
  const { text } = await atBest(() => server.get('/metrics'), isHealthy);
  for (const line of healthy) t.match(text, line);
});

t.test('metrics are for the private network, and asked for directly', async (t) => {
  const {
    server: { app },
  } = (await startServer(t)).first;
  const status = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await app.inject({ url: '/metrics', remoteAddress, headers })).statusCode;
  t.equal(await status('127.0.0.1'), 200);
  t.equal(await status('10.1.2.3'), 200);
  t.equal(await status('::ffff:172.18.0.3'), 200);
  t.equal(await status('fd00::1'), 200);
  t.equal(await status('8.8.8.8'), 403);
  t.equal(await status('2a00:1450::1'), 403);
  t.equal(await status('127.0.0.1', { 'x-forwarded-for': '10.0.0.1' }), 403, 'what comes through a proxy');
  t.equal(await status('127.0.0.1', { forwarded: 'for=10.0.0.1' }), 403);
});
