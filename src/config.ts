/** Every setting of the server, read from an environment and checked, alone and against each other. */
import { availableParallelism } from 'node:os';
import ipaddr from 'ipaddr.js';
import { schemaOf } from './database-url.js';
import { isSecure } from './oauth/secure-url.js';
import { type Environment, integer, oneOf, optional, readSettings, text, type Values } from './settings.js';

const day = 86_400;
/** No access token lives longer, whatever the settings were when it was issued. */
export const longestAccessTokenTtlSeconds = day;

/** Hashing, signing and file access share the four threads that libuv has unless `UV_THREADPOOL_SIZE` says otherwise. */
const hashesAtOnceAtMost = 3;

export const settings = {
  port: integer('PORT', 3000, [1, 65_535], 'Port to listen on'),
  host: text('HOST', '127.0.0.1', 'Address to listen on'),
  issuer: optional(
    'ISSUER',
    {
      about: 'The `iss` of every token and the base of every URL; https unless loopback',
      shownFallback: 'http://localhost:PORT',
    },
    issuerUrl,
  ),
  databaseUrl: optional(
    'DATABASE_URL',
    {
      about:
        'PostgreSQL; `?schema=NAME` for tables elsewhere than in `public`. Absent: the embedded database, in `DATA_DIR`',
      secret: true,
    },
    databaseUrl,
  ),
  databasePoolSize: integer('DATABASE_POOL_SIZE', 10, [1, 500], 'Connections to PostgreSQL per instance'),
  redisUrl: optional(
    'REDIS_URL',
    { about: 'Redis, for the shared blocklist and rate limits. Absent: in process', secret: true },
    urlOf('redis:', 'rediss:'),
  ),
  dataDirectory: text('DATA_DIR', './data', 'Directory of the embedded database and of the admin socket'),
  keysDirectory: text('KEYS_DIR', './keys', 'Directory of the signing keys, a file per key'),
  keyStore: oneOf(
    'KEY_STORE',
    'files',
    ['files', 'database'],
    'Where signing keys live: `KEYS_DIR`, or encrypted in the database',
  ),
  keyEncryptionKey: optional(
    'KEY_ENCRYPTION_KEY',
    { about: '32 bytes in base64url; encrypts the keys when `KEY_STORE=database`', secret: true },
    encryptionKey,
  ),
  keyEncryptionKeyPrevious: optional(
    'KEY_ENCRYPTION_KEY_PREVIOUS',
    { about: 'The one before, while keys are being re-encrypted', secret: true },
    encryptionKey,
  ),
  signingAlg: oneOf('SIGNING_ALG', 'ES256', ['ES256', 'RS256'], 'Algorithm of new signing keys'),
  accessTokenTtlSeconds: integer(
    'ACCESS_TOKEN_TTL_SECONDS',
    900,
    [1, longestAccessTokenTtlSeconds],
    'Lifetime of an access token',
  ),
  sessionIdleTtlSeconds: integer(
    'SESSION_IDLE_TTL_SECONDS',
    2_592_000,
    [1, 3650 * day],
    'A session ends when it was not refreshed for this long',
  ),
  sessionAbsoluteTtlSeconds: integer(
    'SESSION_ABSOLUTE_TTL_SECONDS',
    7_776_000,
    [1, 3650 * day],
    'A session ends this long after login, whatever happens',
  ),
  refreshRetryWindowSeconds: integer(
    'REFRESH_RETRY_WINDOW_SECONDS',
    60,
    [0, 3600],
    'How long a refresh may be repeated after its response was lost',
  ),
  maxSessionsPerUser: integer(
    'MAX_SESSIONS_PER_USER',
    0,
    [0, 10_000],
    'A login beyond it ends the oldest session; 0: no limit',
  ),
  jwksMaxAgeSeconds: integer(
    'JWKS_MAX_AGE_SECONDS',
    300,
    [0, day],
    'How long verifiers may keep the key set',
  ),
  keyPublishAheadSeconds: integer(
    'KEY_PUBLISH_AHEAD_SECONDS',
    900,
    [0, 30 * day],
    'How long a key is published before it may sign',
  ),
  keyRotationIntervalSeconds: integer(
    'KEY_ROTATION_INTERVAL_SECONDS',
    0,
    [0, 3650 * day],
    'Rotate by itself this often; 0: only by command',
  ),
  trustProxy: text(
    'TRUST_PROXY',
    'off',
    'Proxies whose `X-Forwarded-For` is believed: `off`, or addresses and networks, comma separated',
    proxies,
  ),
  logLevel: oneOf(
    'LOG_LEVEL',
    'info',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'Least level that is logged',
  ),
  defaultAudience: text(
    'DEFAULT_AUDIENCE',
    'urn:keyturn:api',
    'The `aud` for clients registered without one',
  ),
  clockToleranceSeconds: integer('CLOCK_TOLERANCE_SECONDS', 30, [0, 300], 'How far clocks may differ'),
  passwordHashConcurrency: integer(
    'PASSWORD_HASH_CONCURRENCY',
    Math.min(availableParallelism(), hashesAtOnceAtMost),
    [1, 128],
    'Passwords hashed at once',
    `number of cores, at most ${hashesAtOnceAtMost}`,
  ),
  passwordHashQueue: integer(
    'PASSWORD_HASH_QUEUE',
    64,
    [0, 100_000],
    'Passwords waiting to be hashed; beyond it the answer is 503',
  ),
  argon2MemoryKib: integer('ARGON2_MEMORY_KIB', 19_456, [1024, 4_194_304], 'argon2id memory'),
  argon2TimeCost: integer('ARGON2_TIME_COST', 2, [2, 100], 'argon2id passes'),
  argon2Parallelism: integer('ARGON2_PARALLELISM', 1, [1, 64], 'argon2id lanes'),
  loginRatePerMinute: integer(
    'LOGIN_RATE_PER_MINUTE',
    60,
    [1, 1_000_000],
    'Failed logins per minute, per account and per client address; then there are pauses',
  ),
  requestRatePerMinute: integer(
    'REQUEST_RATE_PER_MINUTE',
    0,
    [0, 100_000_000],
    'Requests per minute and client address, all endpoints together; 0: no limit, for a proxy that has its own',
  ),
  auditRetentionDays: integer('AUDIT_RETENTION_DAYS', 90, [1, 3650], 'How long audit events are kept'),
  shutdownDrainSeconds: integer(
    'SHUTDOWN_DRAIN_SECONDS',
    0,
    [0, 300],
    'How long a stopping server goes on as before, but for `/health/ready`, so that load balancers turn away first',
  ),
  shutdownGraceSeconds: integer(
    'SHUTDOWN_GRACE_SECONDS',
    10,
    [0, 300],
    'How long a stopping server finishes what is in flight',
  ),
};

type Read = Values<typeof settings>;
export type Config = Readonly<Omit<Read, 'issuer'> & { issuer: string }>;

/** Every wrong setting, one per line of the message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(`wrong settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

/** Reads and checks all settings. Throws {@link ConfigError} that names every problem at once, and never a value. */
export function loadConfig(env: Environment): Config {
  const problems: string[] = [];
  const read = readSettings(settings, env, problems);
  const wrong = new Set(problems.map(settingOf));
  problems.push(...crossRules(read).filter((problem) => !wrong.has(settingOf(problem))));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ ...read, issuer: read.issuer ?? `http://localhost:${read.port}` });
}

/** Every problem begins with the name of a setting. */
function settingOf(problem: string): string | undefined {
  return problem.split(' ')[0];
}

/** A setting that could not be read is undefined here, and breaks no rule by comparison. */
function crossRules(read: Read): string[] {
  const rules: [broken: boolean, message: string][] = [
    [
      read.sessionIdleTtlSeconds > read.sessionAbsoluteTtlSeconds,
      'SESSION_IDLE_TTL_SECONDS must not exceed SESSION_ABSOLUTE_TTL_SECONDS',
    ],
    [
      read.keyPublishAheadSeconds < read.jwksMaxAgeSeconds,
      'KEY_PUBLISH_AHEAD_SECONDS must not be below JWKS_MAX_AGE_SECONDS: a verifier could meet a key it has not fetched',
    ],
    [
      read.keyRotationIntervalSeconds > 0 && read.keyRotationIntervalSeconds < read.keyPublishAheadSeconds,
      'KEY_ROTATION_INTERVAL_SECONDS must not be below KEY_PUBLISH_AHEAD_SECONDS',
    ],
    [
      read.keyStore === 'database' && !read.keyEncryptionKey,
      'KEY_ENCRYPTION_KEY is needed with KEY_STORE=database',
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, message]) => message);
}

/** RFC 8414 §2: an https URL without query or fragment; plain http only for loopback. */
function issuerUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || url.search || url.hash || url.username || url.password) {
    throw new Error('must be a URL without credentials, query or fragment');
  }
  if (url.pathname !== '/') throw new Error('must have no path');
  if (!isSecure(url)) throw new Error('must be https, or http on loopback');
  return url.origin;
}

function urlOf(...protocols: string[]): (value: string) => string {
  return (value) => {
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
      throw new Error(
        `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
      );
    }
    return value;
  };
}

function databaseUrl(value: string): string {
  schemaOf(urlOf('postgres:', 'postgresql:')(value));
  return value;
}

function encryptionKey(value: string): string {
  if (!/^[A-Za-z0-9_-]{43}$/.test(value)) throw new Error('must be 32 bytes in base64url (43 characters)');
  return value;
}

const proxyRanges = new Set(['loopback', 'linklocal', 'uniquelocal']);

function proxies(value: string): string {
  if (value === 'off') return value;
  const wrong = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => !isProxy(part));
  if (wrong.length > 0) throw new Error('must be off, or addresses and networks (CIDR), comma separated');
  return value;
}

function isProxy(part: string): boolean {
  return proxyRanges.has(part) || ipaddr.isValid(part) || ipaddr.isValidCIDR(part);
}
