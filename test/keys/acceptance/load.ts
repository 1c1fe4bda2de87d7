/**
 * A process that gets tokens from both servers and verifies them everywhere, new ones and old ones, without a pause.
 * Reads commands from standard input, a JSON object per line, and answers each on standard output in the same way:
 * `{ "count": "tokens" }` tells what happened since the last count, `{ "watch": KID }` how long tokens of that key are accepted.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, decodeProtectedHeader, errors } from 'jose';
import { type NamedVerifier, verifiers } from './verifiers.js';

const { SERVERS = '', CLIENT_ID = '', CLIENT_SECRET = '', ACCELERATION = '1' } = process.env;
const [first = '', second = ''] = SERVERS.split(' ');
const all = verifiers([first, second]);

export interface Counts {
  issued: number;
  /** Answers that asked to try again: the database has other users. */
  unavailable: number;
  verified: number;
  /** Per verifier, why good tokens were rejected. */
  rejected: Record<string, string[]>;
  kids: string[];
}

export interface Watched {
  accepted: Record<string, number | null>;
  /** The longest that this process was held up since the last count: by so much later it may have taken a key set as fresh. */
  lagSeconds: number;
}

const lag = monitorEventLoopDelay({ resolution: 10 });
lag.enable();

let counts: Counts = newCounts();
const tokens: string[] = [];
let isPaused = false;

function newCounts(): Counts {
  return { issued: 0, unavailable: 0, verified: 0, rejected: {}, kids: [] };
}

async function issue(server: string): Promise<string | undefined> {
  const credentials = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64');
  const response = await fetch(`${server}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const body: unknown = await response.json();
  if (response.status === 503) {
    counts.unavailable += 1;
    return undefined;
  }
  if (
    typeof body === 'object' &&
    body !== null &&
    'access_token' in body &&
    typeof body.access_token === 'string'
  )
    return body.access_token;
  throw new Error(`no token: ${response.status} ${JSON.stringify(body)}`);
}

/** A token that had time to age, but has some minutes left: the clock runs on while it is verified. */
function olderToken(): string | undefined {
  const unexpired = tokens.filter((token) => (decodeJwt(token).exp ?? 0) * 1000 > Date.now() + 600_000);
  tokens.splice(0, tokens.length, ...unexpired.slice(-400));
  return tokens[Math.floor(Math.random() * tokens.length)];
}

async function verifyEverywhere(token: string): Promise<void> {
  await Promise.all(all.map((verifier) => verifyAt(verifier, token)));
}

async function verifyAt({ name, verify }: NamedVerifier, token: string): Promise<void> {
  try {
    await verify(token);
    counts.verified += 1;
  } catch (error) {
    if (error instanceof errors.JWTExpired) return;
    const age = Math.round(Date.now() / 1000 - (decodeJwt(token).iat ?? 0));
    const reason = `${decodeProtectedHeader(token).kid}, ${age} s old: ${error}`;
    counts.rejected[name] = [...(counts.rejected[name] ?? []), reason];
  }
}

async function keepLoad(server: string): Promise<never> {
  for (;;) {
    if (isPaused) {
      await sleep(5);
      continue;
    }
    const token = await issue(server);
    if (!token) continue;
    const { kid = '' } = decodeProtectedHeader(token);
    counts.issued += 1;
    if (counts.kids.at(-1) !== kid) counts.kids.push(kid);
    await verifyEverywhere(token);
    const older = olderToken();
    if (older) await verifyEverywhere(older);
    tokens.push(token);
    await sleep(2);
  }
}

/** For how many seconds from now each verifier goes on accepting tokens of a key, or `null` if until they expire. */
async function watch(kid: string): Promise<Watched> {
  const startMs = Date.now();
  const token = tokens.filter((candidate) => decodeProtectedHeader(candidate).kid === kid).at(-1);
  if (!token) throw new Error(`no token of ${kid} is left`);
  const entries = await Promise.all(
    all.map(async ({ name, verify }) => [name, await acceptedUntil(verify, token, startMs)] as const),
  );
  return { accepted: Object.fromEntries(entries), lagSeconds: (lag.max / 1e9) * Number(ACCELERATION) };
}

async function acceptedUntil(
  verify: NamedVerifier['verify'],
  token: string,
  startMs: number,
): Promise<number | null> {
  const expiresMs = (decodeJwt(token).exp ?? 0) * 1000;
  let acceptedMs = startMs;
  for (;;) {
    const askedMs = Date.now();
    if (askedMs >= expiresMs) return null;
    try {
      await verify(token);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return null;
      return Math.ceil((acceptedMs - startMs) / 1000);
    }
    acceptedMs = askedMs;
    await sleep(10);
  }
}

async function answer(command: { count?: unknown; watch?: string }): Promise<unknown> {
  if (command.watch !== undefined) {
    isPaused = true;
    const result = await watch(command.watch);
    isPaused = false;
    return result;
  }
  const counted = counts;
  counts = newCounts();
  lag.reset();
  return counted;
}

createInterface(process.stdin).on('line', async (line) => {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
});
await Promise.all([keepLoad(first), keepLoad(second)]);
