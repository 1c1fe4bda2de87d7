// How long a revoked token is still accepted elsewhere: from the 200 on /revoke at one instance to the refusal by a verifier
// that follows another instance. Two server processes on PostgreSQL, with and without Redis; 1,000 revocations each.
// Usage: npx tsx bench/revocation-latency.ts
import { createVerifier, type Verifier } from '../src/verifier/index.js';
import { basic } from '../test/support/http-client.js';
import { freePort } from '../test/support/ports.js';
import { type SeededClient, seedClient, withDatabase } from '../test/support/seed.js';
import { serverSettings } from '../test/support/server.js';
import { ServerProcess } from '../test/support/server-process.js';
import type { Scope } from '../test/support/services.js';

const REVOCATIONS = 1000;
const AIM_P99_MS = 250;

class Cleanup implements Scope {
  readonly #steps: (() => unknown)[] = [];

  teardown(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.reverse()) await step();
  }
}

async function startInstances(scope: Scope, redis: boolean) {
  const settings = await serverSettings(scope, {
    database: 'postgres',
    redis,
    settings: { LOG_LEVEL: 'warn' },
  });
  const first = new ServerProcess(settings);
  const second = new ServerProcess({ ...settings, PORT: String(await freePort()) });
  for (const instance of [first, second]) {
    scope.teardown(() => instance.stop());
    await instance.start();
  }
  return { settings, first, second };
}

function follow(issuer: string, instance: ServerProcess, reader: SeededClient): Verifier {
  const credentials = { clientId: reader.id, clientSecret: reader.secret };
  return createVerifier({
    ...{ issuer, audience: 'urn:keyturn:api' },
    revocations: { follow: 'stream', maxStalenessSeconds: 10, onStale: 'reject', ...credentials },
    fetch: (url, init) => fetch(String(url).replace(issuer, instance.url), init),
  });
}

async function isRefused(verifier: Verifier, token: string): Promise<boolean> {
  const code: unknown = await verifier.verify(token).then(
    () => undefined,
    (error) => error.code,
  );
  return code === 'token_revoked';
}

/** Milliseconds from the answer to the refusal; 0 when it was refused before the answer was read. */
async function latency(
  revoke: () => Promise<{ status: number }>,
  verifier: Verifier,
  token: string,
): Promise<number> {
  const { status } = await revoke();
  if (status !== 200) throw new Error(`/revoke answered ${status}`);
  const answeredAt = performance.now();
  while (!(await isRefused(verifier, token)));
  return performance.now() - answeredAt;
}

async function measure(redis: boolean): Promise<number[]> {
  const scope = new Cleanup();
  try {
    const { settings, first, second } = await startInstances(scope, redis);
    const reader = await withDatabase(settings, (database) =>
      seedClient(database, { type: 'confidential', scope: ['revocations:read'] }),
    );
    const headers = basic(reader.id, reader.secret);
    const verifier = follow(settings.ISSUER ?? '', second, reader);
    scope.teardown(() => verifier.close());
    const times: number[] = [];
    while (times.length < REVOCATIONS) {
      const { body } = await first.token({ grant_type: 'client_credentials' }, headers);
      await verifier.verify(body.access_token);
      times.push(
        await latency(() => first.revoke(body.access_token, {}, headers), verifier, body.access_token),
      );
    }
    return times;
  } finally {
    await scope.run();
  }
}

function quantile(values: number[], share: number): number {
  return (
    values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
    Number.NaN
  );
}

console.log(
  `From 200 on /revoke to refusal at another instance's verifier, ms (${REVOCATIONS} revocations)\n`,
);
console.log('| | median | p99 | slowest | aim (p99) |\n|---|---|---|---|---|');
for (const redis of [false, true]) {
  const times = await measure(redis);
  const [median, p99, slowest] = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(1));
  const verdict = Number(p99) < AIM_P99_MS ? 'met' : 'missed';
  console.log(
    `| PostgreSQL${redis ? ' and Redis' : ''} | ${median} | ${p99} | ${slowest} | < ${AIM_P99_MS}: ${verdict} |`,
  );
}
