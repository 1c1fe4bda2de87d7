/** Figures for Prometheus. Every label has few values: route patterns, methods that exist, statuses, fixed words. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Counters, LoginOutcome, RefreshOutcome } from '../counters.js';
import type { KeyFigures } from '../keys/key-figures.js';
import { registerKeyMetrics } from './key-metrics.js';
import { RequestDurations } from './request-durations.js';

/** What is asked when somebody looks. */
export interface Readings {
  /** Passwords waiting to be hashed. */
  passwordHashQueue(): number;
  /** Connections to PostgreSQL; undefined for the embedded database. */
  databasePool(): { total: number; idle: number; waiting: number } | undefined;
  /** Undefined where no Redis is configured. */
  redisReady(): boolean | undefined;
  signingKeys(): KeyFigures;
  /** The feed of revocations: entries in memory, and verifiers that listen. */
  feed(): { entries: number; streams: number };
}

const loginOutcomes: LoginOutcome[] = ['succeeded', 'failed', 'limited'];
const refreshOutcomes: RefreshOutcome[] = ['rotated', 'retry', 'reused', 'expired', 'revoked', 'unknown'];

export class Metrics {
  readonly registry = new Registry();
  readonly counters: Counters;
  readonly #requests = new RequestDurations();

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests.register(this.registry);
    this.counters = countersIn(registers);
  }

  /** Times every request of `app` from now on. */
  observe(app: FastifyInstance): void {
    app.addHook('onResponse', (request, reply, done) => {
      this.#requests.observe(request.method, routeOf(request), reply.statusCode, reply.elapsedTime / 1000);
      done();
    });
  }

  read(readings: Readings): void {
    registerKeyMetrics(this.registry, readings.signingKeys);
    const gauge = gaugeIn([this.registry]);
    gauge('keyturn_password_hash_queue_length', 'Passwords waiting to be hashed', readings.passwordHashQueue);
    gauge('keyturn_feed_entries', 'Entries of the revocation feed', () => readings.feed().entries);
    gauge(
      'keyturn_feed_streams',
      'Verifiers that listen to the revocation feed',
      () => readings.feed().streams,
    );
    if (readings.redisReady() !== undefined) {
      gauge('keyturn_redis_up', 'Whether Redis can be used', () => Number(readings.redisReady()));
    }
    if (!readings.databasePool()) return;
    const help = 'Connections to PostgreSQL:';
    gauge('keyturn_database_connections', `${help} all`, () => readings.databasePool()?.total ?? 0);
    gauge(
      'keyturn_database_connections_idle',
      `${help} not in use`,
      () => readings.databasePool()?.idle ?? 0,
    );
    gauge(
      'keyturn_database_requests_waiting',
      'Statements waiting for a connection',
      () => readings.databasePool()?.waiting ?? 0,
    );
  }
}

/** The pattern: a path would make a series of every identifier, and of every guess of a scanner. */
function routeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.url ?? 'unknown';
}

function gaugeIn(registers: Registry[]) {
  return (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
}

function countersIn(registers: Registry[]): Counters {
  const counter = <Label extends string>(name: string, help: string, label: Label) =>
    new Counter({ name, help, labelNames: [label], registers });
  const tokens = counter('keyturn_tokens_issued_total', 'Access tokens issued, by grant', 'grant');
  const logins = counter('keyturn_logins_total', 'Logins by outcome', 'outcome');
  const refreshes = counter('keyturn_refreshes_total', 'Presented refresh tokens by outcome', 'outcome');
  const revocations = counter('keyturn_revocations_total', 'Blocklist entries by what they cover', 'type');
  // A series that begins at zero lets a rate see its first event.
  for (const outcome of loginOutcomes) logins.inc({ outcome }, 0);
  for (const outcome of refreshOutcomes) refreshes.inc({ outcome }, 0);
  return {
    tokenIssued: (grant) => tokens.inc({ grant }),
    login: (outcome) => logins.inc({ outcome }),
    refresh: (outcome) => refreshes.inc({ outcome }),
    revocation: (type) => revocations.inc({ type }),
  };
}
