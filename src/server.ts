/** The composition root: opens storage, builds the domain, mounts HTTP. Wiring only. */
import type { FastifyInstance } from 'fastify';
import type { Logger as PinoLogger } from 'pino';
import type { AdminContext } from './admin/context.js';
import { isServed } from './admin/socket-path.js';
import { Blocklist } from './blocklist/blocklist.js';
import { ClientRegistry } from './clients/client-registry.js';
import { systemClock } from './clock.js';
import { composeAdmin, passwordHasher } from './compose-admin.js';
import type { Config } from './config.js';
import { demoOnFirstStart } from './demo.js';
import { clientCredentialsGrant } from './grants/client-credentials.js';
import { passwordGrant } from './grants/password.js';
import { refreshTokenGrant } from './grants/refresh-token.js';
import { TokenEndpoint } from './grants/token-endpoint.js';
import { AdminSocket } from './http/admin-socket.js';
import { buildHttp } from './http/app.js';
import { BearerAuthentication } from './http/bearer.js';
import { Health } from './http/health.js';
import { Metrics } from './http/metrics.js';
import { KeyRing } from './keys/key-ring.js';
import { RevocationFeed } from './revocation/feed.js';
import { FeedAccess } from './revocation/feed-access.js';
import { IntrospectionEndpoint } from './revocation/introspect.js';
import { RevocationEndpoint } from './revocation/revoke.js';
import { systemRandomBytes } from './secrets.js';
import { OwnSessions } from './sessions/own-sessions.js';
import { RefreshTokenCodec } from './sessions/refresh-token.js';
import { openStorage, type Storage } from './storage/open.js';
import { openWhenFree } from './storage/postgres/directory-lock.js';
import { AccessTokenVerifier } from './tokens/access-token.js';
import { Mint } from './tokens/mint.js';
import { UserAuthenticator } from './users/authenticate-user.js';
import { LoginLimits } from './users/login-limits.js';

export interface Server {
  app: FastifyInstance;
  storage: Storage;
  /** On PORT, and on the admin socket where the embedded database is in use. */
  listen(): Promise<void>;
  /** Makes a demo on the first start on the embedded database, and answers how to use it; undefined otherwise. */
  demoOnFirstStart(): Promise<string | undefined>;
  /** From now on `/health/ready` answers 503; everything else goes on. */
  drain(): void;
  /** Finishes what is in flight, and then closes everything. */
  close(): Promise<void>;
}

const clock = systemClock;
const randomBytes = systemRandomBytes;

/** Builds the whole server. It does not listen yet. */
export async function buildServer(config: Config, log: PinoLogger): Promise<Server> {
  const storage = await openStorageWhenFree(config, log);
  try {
    const keyRing = await openKeyRing(config, storage, log);
    const domain = await buildDomain(config, storage, keyRing, log);
    const app = await buildHttp({ config, log, clock, ...domain });
    const socket = adminSocket(config, domain.admin, log);
    storage.sweeper.start();
    await domain.feed.start();
    return {
      app,
      storage,
      listen: async () => {
        await socket?.listen();
        await app.listen({ port: config.port, host: config.host });
      },
      demoOnFirstStart: async () =>
        config.databaseUrl ? undefined : demoOnFirstStart(domain.admin, config.issuer),
      drain: () => domain.health.drain(),
      close: async () => {
        await app.close();
        await socket?.close();
        await storage.sweeper.stop();
        await keyRing.close();
        await storage.close();
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** A command that has the embedded database open will be gone in a moment; another server will not. */
function openStorageWhenFree(config: Config, log: PinoLogger): Promise<Storage> {
  let told = false;
  return openWhenFree(
    () => openStorage({ config, clock, randomBytes, log }),
    async (error) => {
      if (await isServed(config.dataDirectory)) throw error;
      if (!told) log.info({ dataDirectory: config.dataDirectory }, 'waiting: another process has it open');
      told = true;
      return undefined;
    },
  );
}

/** With a database server, the command line reaches the storage by itself. */
function adminSocket(config: Config, admin: AdminContext, log: PinoLogger): AdminSocket | undefined {
  return config.databaseUrl ? undefined : new AdminSocket(admin, config.dataDirectory, log);
}

function openKeyRing(config: Config, storage: Storage, log: PinoLogger): Promise<KeyRing> {
  return KeyRing.open({ store: storage.keys, settings: config, clock, randomBytes, log });
}

async function buildDomain(config: Config, storage: Storage, keys: KeyRing, log: PinoLogger) {
  const { sessions, audit } = storage;
  const metrics = new Metrics();
  const { counters } = metrics;
  const signingKeys = {
    upToDate: () => keys.upToDate(),
    signer: () => keys.signer(),
    verificationKey: (header: { kid?: string; alg?: string }) => keys.verificationKey(header),
  };
  const clients = new ClientRegistry(storage.clients, clock);
  // The metadata names them, and is served when the database is away, too.
  await clients.grants();
  const refreshTokens = new RefreshTokenCodec(await storage.keys.secret('refresh-token'));
  const accessTokens = new AccessTokenVerifier(signingKeys, config);
  const blocklist = new Blocklist(storage.revocations, storage.revocationView, counters);
  const hasher = passwordHasher(config);
  const limits = new LoginLimits({
    counter: storage.loginAttempts,
    counters,
    loginRatePerMinute: config.loginRatePerMinute,
    secret: await storage.keys.secret('login-limits'),
  });
  const users = new UserAuthenticator({ users: storage.users, hasher, limits, audit, counters, log });
  const feed = new RevocationFeed({
    source: storage.revocations,
    signals: storage.revocationSignals,
    clock,
    log,
  });
  metrics.read({
    passwordHashQueue: () => hasher.queued,
    databasePool: () => storage.database.pool(),
    redisReady: () => storage.redis && storage.redis.status === 'ready',
    signingKeys: () => keys.figures(),
    feed: () => feed.readings(),
  });
  const { clockToleranceSeconds, maxSessionsPerUser, issuer } = config;
  const grants = [
    passwordGrant({
      users,
      sessions,
      refreshTokens,
      blocklist,
      clock,
      randomBytes,
      maxSessionsPerUser,
    }),
    clientCredentialsGrant,
    refreshTokenGrant({ sessions, refreshTokens, blocklist, counters }),
  ];
  const admin = composeAdmin({
    config,
    storage,
    blocklist,
    passwords: hasher,
    clock,
    randomBytes,
    clientsChanged: () => clients.forget(),
    keysChanged: () => keys.reload(),
  });
  const shared = { clients, sessions, refreshTokens, accessTokens, blocklist };
  return {
    issuer,
    keys,
    clients,
    metrics,
    requestTally: storage.requestTally,
    token: new TokenEndpoint({ clients, grants, mint: new Mint(signingKeys, clock, config), counters }),
    revocation: new RevocationEndpoint({ ...shared, clockToleranceSeconds }),
    introspection: new IntrospectionEndpoint({ ...shared, clock }),
    feed,
    feedAccess: new FeedAccess(shared),
    bearer: new BearerAuthentication(accessTokens, blocklist),
    ownSessions: new OwnSessions(storage.administration.sessions, blocklist),
    admin,
    health: new Health(() => unhealthy(storage, keys)),
  };
}

/** Redis is not among them: without it the server is slower, not wrong. */
async function unhealthy(storage: Storage, keys: KeyRing): Promise<string[]> {
  const checks: [name: string, check: () => unknown][] = [
    ['database', () => storage.database.ping()],
    ['keys', () => keys.signer()],
  ];
  const outcomes = await Promise.allSettled(checks.map(async ([, check]) => check()));
  return checks.flatMap(([name], index) => (outcomes[index]?.status === 'rejected' ? [name] : []));
}
