/** Settings: every problem is reported, all at once, and none echoes a value. */
import t from 'tap';
import { ConfigError, loadConfig, settings } from '../src/config.js';
import { prepareServerProcess } from './support/server-process.js';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

t.test('without any settings the defaults are those of the documentation', async (t) => {
  t.match(loadConfig({}), {
    port: 3000,
    host: '127.0.0.1',
    issuer: 'http://localhost:3000',
    databaseUrl: undefined,
    redisUrl: undefined,
    dataDirectory: './data',
    keysDirectory: './keys',
    signingAlg: 'ES256',
    accessTokenTtlSeconds: 900,
    sessionIdleTtlSeconds: 2_592_000,
    sessionAbsoluteTtlSeconds: 7_776_000,
    refreshRetryWindowSeconds: 60,
    jwksMaxAgeSeconds: 300,
    keyPublishAheadSeconds: 900,
    keyRotationIntervalSeconds: 0,
    logLevel: 'info',
    defaultAudience: 'urn:keyturn:api',
    clockToleranceSeconds: 30,
    passwordHashQueue: 64,
    argon2MemoryKib: 19_456,
    argon2TimeCost: 2,
    argon2Parallelism: 1,
  });
  t.ok(Object.isFrozen(loadConfig({})));
});

t.test('an empty value is an absent one', async (t) => {
  t.equal(loadConfig({ PORT: '', ISSUER: '' }).port, 3000);
});

t.test('all problems are reported at once, by name', async (t) => {
  const problems = problemsOf({
    PORT: 'http',
    ISSUER: 'ftp://example.test',
    SIGNING_ALG: 'none',
    ARGON2_MEMORY_KIB: '1',
    DATABASE_URL: 'mysql://x',
    // Rules between settings, too, unless one of them could not be read.
    SESSION_IDLE_TTL_SECONDS: '10',
    SESSION_ABSOLUTE_TTL_SECONDS: '5',
    KEY_STORE: 'database',
    KEY_ENCRYPTION_KEY: 'short',
    KEY_PUBLISH_AHEAD_SECONDS: 'soon',
  });
  const named = problems.map((problem) => problem.split(' ')[0]).sort();
  t.same(named, [
    ...['ARGON2_MEMORY_KIB', 'DATABASE_URL', 'ISSUER', 'KEY_ENCRYPTION_KEY', 'KEY_PUBLISH_AHEAD_SECONDS'],
    ...['PORT', 'SESSION_IDLE_TTL_SECONDS', 'SIGNING_ALG'],
  ]);
});

t.test('no value is echoed: it may be a secret in the wrong place', async (t) => {
  const secret = 'hunter2-hunter2';
  for (const { name } of Object.values(settings)) {
    const problems = problemsOf({ [name]: secret });
    t.notOk(problems.join('\n').includes(secret), name);
  }
});

const refused: Record<string, [value: string, ...others: string[]]> = {
  PORT: ['0', '65536', '-1', '3e3', '0x10', '3000 '],
  ACCESS_TOKEN_TTL_SECONDS: ['0', '86401', '1.5', 'NaN', '9'.repeat(30)],
  ISSUER: [
    'http://example.test',
    'https://example.test/path',
    'https://example.test/?q',
    'https://example.test/#f',
    'https://user@example.test',
    'javascript:alert(1)',
    'example.test',
  ],
  TRUST_PROXY: ['yes', 'true', '10.0.0.0/99', '10.0.0.1;10.0.0.2'],
  LOG_LEVEL: ['verbose', 'INFO'],
  REDIS_URL: ['http://127.0.0.1'],
};
for (const [name, values] of Object.entries(refused)) {
  t.test(`${name} is checked`, async (t) => {
    for (const value of values) t.equal(problemsOf({ [name]: value }).length, 1, JSON.stringify(value));
  });
}

t.test('RFC 8414 §2 the issuer is https, or http on loopback', async (t) => {
  for (const issuer of [
    'https://id.example.test',
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://[::1]:3000',
  ]) {
    t.equal(loadConfig({ ISSUER: issuer }).issuer, issuer);
  }
  t.equal(loadConfig({ ISSUER: 'https://id.example.test/' }).issuer, 'https://id.example.test');
});

const broken: Record<string, Record<string, string>> = {
  'idle <= absolute': { SESSION_IDLE_TTL_SECONDS: '100', SESSION_ABSOLUTE_TTL_SECONDS: '99' },
  'publish-ahead >= JWKS age': { KEY_PUBLISH_AHEAD_SECONDS: '100', JWKS_MAX_AGE_SECONDS: '101' },
  'rotation interval >= publish-ahead': {
    KEY_ROTATION_INTERVAL_SECONDS: '100',
    KEY_PUBLISH_AHEAD_SECONDS: '101',
    JWKS_MAX_AGE_SECONDS: '10',
  },
  'keys in the database need an encryption key': { KEY_STORE: 'database' },
};
for (const [rule, env] of Object.entries(broken)) {
  t.test(`settings agree with each other: ${rule}`, async (t) => {
    t.equal(problemsOf(env).length, 1);
  });
}

t.test('a process with wrong settings prints them and exits with an error', async (t) => {
  const server = await prepareServerProcess(t, { settings: { LOG_LEVEL: 'loud', ARGON2_TIME_COST: 'x' } });
  const launched = await server.launch();
  await launched.exited();
  t.equal(launched.exitCode, 1);
  t.match(launched.output, /LOG_LEVEL must be one of/);
  t.match(launched.output, /ARGON2_TIME_COST must be an integer/);
  t.notMatch(launched.output, /loud/);
});
