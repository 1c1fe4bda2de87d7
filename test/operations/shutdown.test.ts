import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Answer } from '../support/http-client.js';
import { eventuallyMilliseconds, until } from '../support/leash.js';
import { openHalfRequest } from '../support/raw-http.js';
import { seedClient, seedUser, withDatabase } from '../support/seed.js';
import { prepareServerProcess, type ServerProcess } from '../support/server-process.js';
import type { Scope } from '../support/services.js';
import { atBest } from '../support/undisturbed.js';

/** Hashing takes about half a second, one after the other, so that a login is in flight for long enough. */
const slowLogins = {
  ARGON2_MEMORY_KIB: '65536',
  ARGON2_TIME_COST: '6',
  ARGON2_PARALLELISM: '1',
  PASSWORD_HASH_CONCURRENCY: '1',
};

/** How many logins wait for another that is being hashed. */
async function waitingLogins(server: ServerProcess): Promise<number> {
  const { text } = await server.get('/metrics');
  return Number(/^keyturn_password_hash_queue_length (\d+)$/m.exec(text)?.[1]);
}

/** Some of which wait for others; or they were over before anybody saw it, and more are sent. */
async function loginsInFlight(
  server: ServerProcess,
  login: () => Promise<Answer>,
): Promise<Promise<Answer>[]> {
  const all: Promise<Answer>[] = [];
  let underWay = 0;
  const send = () => {
    underWay += 1;
    const answer = login().finally(() => {
      underWay -= 1;
    });
    all.push(answer);
  };
  const someWait = async () => {
    while (underWay < 3) send();
    return (await waitingLogins(server)) > 0;
  };
  await until(someWait, eventuallyMilliseconds, () => 'no login waits for another');
  return all;
}

async function startWithUser(t: Scope, settings: Record<string, string>) {
  const server = await prepareServerProcess(t, { settings });
  const form = await withDatabase(server.settings, async (database) => {
    const { email, password } = await seedUser(database);
    const { id } = await seedClient(database);
    return { grant_type: 'password', username: email, password, client_id: id };
  });
  await server.start();
  return { server, login: () => server.token(form) };
}

/** Sends SIGTERM, and answers when the process is gone. */
async function stopped(server: ServerProcess): Promise<number> {
  const startedAt = Date.now();
  await server.stop();
  return Date.now() - startedAt;
}

t.test('a stopping server answers what is in flight, and takes nothing new', async (t) => {
  const { server, login } = await startWithUser(t, { ...slowLogins, SHUTDOWN_GRACE_SECONDS: '60' });
  // The first login renews the hash, which was made with less; it is not what this is about.
  t.equal((await login()).status, 200);
  const inFlight = await loginsInFlight(server, login);
  const gone = stopped(server);
  await until(
    async () => !(await server.get('/health/live').catch(() => undefined)),
    eventuallyMilliseconds,
    () => 'still there',
  );
  const answers = await Promise.all(inFlight);
  const answeredAt = performance.now();
  for (const { status } of answers) t.equal(status, 200, 'a login that was being hashed gets its tokens');
  const refreshToken = answers.at(-1)?.body.refresh_token ?? '';
  const accessToken = answers.at(-1)?.body.access_token ?? '';
  await gone;
  t.ok(performance.now() - answeredAt < 8_000, 'idle keep-alive connections do not hold it up');
  t.match(server.output, /"msg":"closing"/);
  t.notMatch(server.output, /cut off/);

  await server.start();
  const refreshed = await server.refresh(refreshToken, { client_id: clientOf(accessToken) });
  t.equal(refreshed.status, 200, 'and after a restart the session is there');
});

t.test('readiness goes first: load balancers turn away while everything else goes on', async (t) => {
  const { server, login } = await startWithUser(t, { SHUTDOWN_DRAIN_SECONDS: '12' });
  t.equal((await server.get('/health/ready')).status, 200);
  const gone = stopped(server);
  await until(
    async () => (await server.get('/health/ready')).status === 503,
    10_000,
    () => 'still ready',
  );
  t.same((await server.get('/health/ready')).body, { status: 'unavailable', failures: ['closing'] });
  t.equal((await server.get('/health/live')).status, 200);
  const answer = await login();
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('connection'), 'close', 'so that proxies keep no connection to it');
  const keySet = await server.get('/.well-known/jwks.json');
  t.equal(keySet.headers.get('connection'), 'close');
  t.ok((await gone) >= 11_900);
});

t.test('what does not end within the grace period is cut off', async (t) => {
  const server = await prepareServerProcess(t, { settings: { SHUTDOWN_GRACE_SECONDS: '1' } });
  const stopMidway = async () => {
    await server.start();
    const half = openHalfRequest(server.url);
    await sleep(200);
    const milliseconds = await stopped(server);
    half.destroy();
    return milliseconds;
  };
  const milliseconds = await atBest(stopMidway, (taken) => taken < 4_500);
  t.ok(milliseconds < 4_500, `took ${milliseconds} ms`);
});

function clientOf(accessToken: string): string {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).client_id;
}
