// How long a revoked token is still accepted elsewhere: from the 200 on /revoke at one instance to the refusal by a verifier
// that follows another instance. Two server processes on PostgreSQL, with and without Redis; 1,000 revocations each.
// Usage: npx tsx bench/revocation-latency.ts
import { createVerifier, type Verifier } from '../src/verifier/index.js';
import { basic } from '../test/support/http-client.js';
import { type SeededClient, seedClient, withDatabase } from '../test/support/seed.js';
import type { ServerProcess } from '../test/support/server-process.js';
import { TwoInstances } from './instances.js';
import { quantile } from './statistics.js';

const REVOCATIONS = 1000;
const AIM_P99_MS = 250;

function follow(issuer: string, instance: ServerProcess, reader: SeededClient): Verifier {
  const credentials = { clientId: reader.id, clientSecret: reader.secret };
  return createVerifier({
    issuer,
    audience: 'urn:keyturn:api',
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
  const instances = await TwoInstances.start(redis);
  try {
    const { settings, first, second } = instances;
    const reader = await withDatabase(settings, (database) =>
      seedClient(database, { type: 'confidential', scope: ['revocations:read'] }),
    );
    const headers = basic(reader.id, reader.secret);
    const verifier = follow(settings.ISSUER ?? '', second, reader);
    instances.teardown(() => verifier.close());
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
    await instances.stop();
  }
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
