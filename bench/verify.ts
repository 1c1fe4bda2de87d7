// What following the revocations costs a verification: this library with 100,000 entries, against bare jose.jwtVerify with
// the same options; taking turns in one process, medians. Also the memory per entry.
// Usage: npx tsx --expose-gc bench/verify.ts
import { importJWK, jwtVerify } from 'jose';
import { Blocklist } from '../src/verifier/blocklist.js';
import { readEntry } from '../src/verifier/feed/entry.js';
import { createVerifier, type Verifier } from '../src/verifier/index.js';
import { AUDIENCE, FakeServer, newSigningKey, type SigningKey } from '../test/verifier/fake-server.js';

const ENTRIES = 100_000;
const WARM_UP = 3000;
const VERIFICATIONS = 20_000;
const AIM = 1.1;

type Verify = (token: string) => Promise<unknown>;

async function bareJose(server: FakeServer, { jwk, alg }: SigningKey): Promise<Verify> {
  const key = await importJWK(jwk, alg);
  const options = {
    algorithms: ['ES256', 'RS256'],
    issuer: server.issuer,
    audience: AUDIENCE,
    typ: 'at+jwt',
    requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
    clockTolerance: 5,
  };
  return (token) => jwtVerify(token, key, options);
}

/** Heap and external memory after a full collection, in bytes. */
function memoryInUse(): number {
  if (!globalThis.gc) throw new Error('Run with --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function fill(server: FakeServer): void {
  const now = Math.floor(Date.now() / 1000);
  for (let i = 0; i < ENTRIES; i += 1) {
    const type = i % 2 === 0 ? 'jti' : 'sid';
    server.entries.push({
      type,
      value: crypto.randomUUID(),
      reason: 'requested',
      revoked_at: now,
      expires_at: now + 930,
    });
  }
}

/** What the blocklist keeps of an entry that came over the wire. */
function bytesPerEntry(): number {
  const blocklist = new Blocklist();
  const before = memoryInUse();
  for (let i = 0; i < ENTRIES; i += 1) {
    const text = `{"type":"sid","value":"${crypto.randomUUID()}","reason":"requested","revoked_at":1,"expires_at":2}`;
    for (const entry of readEntry(JSON.parse(text))) blocklist.add(entry);
  }
  return (memoryInUse() - before) / blocklist.size;
}

function follow(server: FakeServer): Verifier {
  const credentials = { clientId: 'books-api', clientSecret: 'secret' };
  const behaviour = { follow: 'stream', maxStalenessSeconds: 60, onStale: 'reject' } as const;
  return createVerifier({
    issuer: server.issuer,
    audience: AUDIENCE,
    revocations: { ...credentials, ...behaviour },
  });
}

async function microseconds(verify: Verify, token: string): Promise<number> {
  const start = performance.now();
  await verify(token);
  return (performance.now() - start) * 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Takes turns at every single verification, so that whatever else the machine does falls on both alike. */
async function measure(server: FakeServer, key: SigningKey, verifier: Verifier): Promise<string> {
  const bare = await bareJose(server, key);
  const followed: Verify = (token) => verifier.verify(token);
  const times: Record<'bare' | 'followed', number[]> = { bare: [], followed: [] };
  const tokens = await Promise.all(Array.from({ length: 50 }, () => server.token({}, {}, key)));
  for (let i = 0; i < WARM_UP + VERIFICATIONS; i += 1) {
    const token = tokens[i % tokens.length] ?? '';
    const [bareTime, followedTime] = [await microseconds(bare, token), await microseconds(followed, token)];
    if (i < WARM_UP) continue;
    times.bare.push(bareTime);
    times.followed.push(followedTime);
  }
  const ratio = median(times.followed) / median(times.bare);
  const columns = [
    key.alg,
    median(times.bare).toFixed(1),
    median(times.followed).toFixed(1),
    ratio.toFixed(3),
  ];
  return `| ${[...columns, `<= ${AIM}: ${ratio <= AIM ? 'met' : 'missed'}`].join(' | ')} |`;
}

console.log(`Memory: ${bytesPerEntry().toFixed(0)} bytes per entry\n`);
const server = await FakeServer.start();
server.heartbeatSeconds = 5;
server.keys.push(await newSigningKey('rsa-1', 'RS256'));
fill(server);
const verifier = follow(server);
await verifier.verify(await server.token());
console.log(`With ${verifier.counters().blocklistEntries} revocations:\n`);
console.log('| Algorithm | bare jose, µs | followed, µs | ratio | aim |\n|---|---|---|---|---|');
for (const key of server.keys) console.log(await measure(server, key, verifier));
await verifier.close();
await server.stop();
