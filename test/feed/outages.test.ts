// No revocation is missed, whatever fails meanwhile: the stream, the serving instance, Redis, PostgreSQL.
import t, { type Test } from 'tap';
import { createVerifier, type Verifier } from '../../src/verifier/index.js';
import { basic, type Headers } from '../support/http-client.js';
import { freePort } from '../support/ports.js';
import { seedClient, withDatabase } from '../support/seed.js';
import { serverSettings } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';
import { needs, privatePostgres, privateRedis, testDatabase } from '../support/services.js';
import { until } from '../verifier/harness.js';
import { CuttableProxy } from './cuttable-proxy.js';

/** Longer than a machine stalls: whoever is stale at once is so for another reason. */
const MAX_STALENESS_SECONDS = 15;

class Deployment {
  constructor(
    readonly instances: readonly [ServerProcess, ServerProcess],
    readonly proxy: CuttableProxy,
    readonly headers: Headers,
    readonly reject: Verifier,
    readonly accept: Verifier,
  ) {}

  async token(): Promise<string> {
    const { body, status, text } = await this.instances[0].token(
      { grant_type: 'client_credentials' },
      this.headers,
    );
    if (status !== 200) throw new Error(`no token: ${status} ${text}`);
    return body.access_token;
  }

  revoke(token: string): Promise<{ status: number }> {
    return this.instances[0].revoke(token, {}, this.headers);
  }
}

/** Two instances on a private PostgreSQL and Redis, and two verifiers that follow the second through a proxy. */
async function deploy(t: Test) {
  const postgres = await privatePostgres(t, { fsync: false });
  const redis = await privateRedis(t);
  const settings = await serverSettings(t, {
    settings: { DATABASE_URL: await testDatabase(t, { on: postgres }), REDIS_URL: redis.url },
  });
  const client = await withDatabase(settings, (database) =>
    seedClient(database, { type: 'confidential', scope: ['revocations:read'] }),
  );
  const instances = [
    new ServerProcess(settings),
    new ServerProcess({ ...settings, PORT: String(await freePort()) }),
  ] as const;
  for (const instance of instances) t.teardown(() => instance.kill());
  for (const instance of instances) await instance.start();
  const proxy = await CuttableProxy.start(instances[1].url);
  t.teardown(() => proxy.stop());
  const issuer = settings.ISSUER ?? '';
  const verifiers = (['reject', 'accept'] as const).map((onStale) =>
    createVerifier({
      issuer,
      audience: 'urn:keyturn:api',
      revocations: {
        follow: 'stream',
        maxStalenessSeconds: MAX_STALENESS_SECONDS,
        onStale,
        clientId: client.id,
        clientSecret: client.secret,
      },
      fetch: (url, init) => fetch(String(url).replace(issuer, proxy.url), init),
    }),
  );
  t.teardown(() => Promise.all(verifiers.map((verifier) => verifier.close())));
  const [reject, accept] = verifiers;
  if (!reject || !accept) throw new Error('There are two verifiers');
  const deployment = new Deployment(instances, proxy, basic(client.id, client.secret), reject, accept);
  return { postgres, redis, deployment };
}

async function outcome(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    ({ code }) => code,
  );
}

/** Both verifiers come to know of it. */
async function refusedByBoth({ reject, accept }: Deployment, token: string): Promise<void> {
  for (const verifier of [reject, accept]) {
    await until(async () => (await outcome(verifier, token)) === 'token_revoked');
  }
}

/** The verifiers become stale, and each does what `onStale` says. */
async function becomesStale(t: Test, { reject, accept }: Deployment, token: string): Promise<void> {
  t.equal(await outcome(reject, token), 'accepted', 'not at once');
  await until(async () => (await outcome(reject, token)) === 'revocations_stale');
  await until(() => accept.staleness() > MAX_STALENESS_SECONDS);
  t.equal(await outcome(accept, token), 'accepted');
}

async function recovers({ reject }: Deployment, token: string): Promise<void> {
  await until(async () => (await outcome(reject, token)) === 'accepted');
}

const services = needs('private postgres', 'private redis');

t.test('An outage of each part', services, async (t) => {
  const { postgres, redis, deployment } = await deploy(t);
  const bystander = await deployment.token();
  t.equal(await outcome(deployment.reject, bystander), 'accepted');
  t.equal(await outcome(deployment.accept, bystander), 'accepted');

  await t.test('The stream is cut for a moment: what was revoked meanwhile is refused', async () => {
    const token = await deployment.token();
    deployment.proxy.cut();
    t.equal((await deployment.revoke(token)).status, 200);
    deployment.proxy.restore();
    await refusedByBoth(deployment, token);
  });

  await t.test('The stream is cut for long: stale, and then up to date', async (t) => {
    const token = await deployment.token();
    deployment.proxy.cut();
    t.equal((await deployment.revoke(token)).status, 200);
    await becomesStale(t, deployment, bystander);
    deployment.proxy.restore();
    await refusedByBoth(deployment, token);
    await recovers(deployment, bystander);
  });

  await t.test('Redis is flushed', async (t) => {
    const before = await deployment.token();
    await deployment.revoke(before);
    await redis.flush();
    const after = await deployment.token();
    t.equal((await deployment.revoke(after)).status, 200);
    await refusedByBoth(deployment, after);
    await refusedByBoth(deployment, before);
  });

  await t.test('Redis is killed, and started again', async (t) => {
    const token = await deployment.token();
    await redis.kill();
    t.equal((await deployment.revoke(token)).status, 200, 'a revocation does not need Redis');
    await refusedByBoth(deployment, token);
    await redis.start();
    const later = await deployment.token();
    await deployment.revoke(later);
    await refusedByBoth(deployment, later);
  });

  await t.test(
    'PostgreSQL is killed: no heartbeat, so stale; no 200 for a revocation; then up to date',
    async (t) => {
      const token = await deployment.token();
      await postgres.kill();
      t.equal((await deployment.revoke(token)).status, 503);
      await becomesStale(t, deployment, bystander);
      await postgres.start();
      await until(async () => (await deployment.revoke(token)).status === 200);
      await refusedByBoth(deployment, token);
      await recovers(deployment, bystander);
    },
  );

  await t.test('The serving instance is killed: another takes over with the same cursor', async (t) => {
    const token = await deployment.token();
    await deployment.instances[1].kill();
    t.equal((await deployment.revoke(token)).status, 200);
    deployment.proxy.target = deployment.instances[0].url;
    await refusedByBoth(deployment, token);
    await recovers(deployment, bystander);
  });
});
