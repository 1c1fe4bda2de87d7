/** Bounds what the database holds: deletes what is over, a little at a time, for as long as the server runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../log.js';
import type { Database, Statement } from './database.js';
import {
  sweepAuditEvents,
  sweepKnownNetworks,
  sweepLineage,
  sweepRevocations,
  sweepSessions,
} from './sweep-statements.js';

export interface SweeperSettings {
  auditRetentionDays: number;
}

/** What one sweep deleted. */
export interface Swept {
  sessions: number;
  generations: number;
  revocations: number;
  auditEvents: number;
  knownNetworks: number;
}

const keepEndedSessionsDays = 7;
/** Of a live session: enough to see what happened, and no reason to grow for months. */
const keepGenerations = 100;
/** Without a login from there. */
const keepKnownNetworksDays = 180;

const sessionsPerPage = 200;
const rowsPerBatch = 1_000;
/** Between batches, so that a sweep never has the database for itself. */
const pauseMilliseconds = 20;
const firstSweepMilliseconds = 10_000;
const intervalMilliseconds = 3_600_000;
const retryMilliseconds = 60_000;

const beforeAllIds = '00000000-0000-0000-0000-000000000000';

export class Sweeper {
  readonly #database: Database;
  readonly #settings: SweeperSettings;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(database: Database, settings: SweeperSettings, log: Logger) {
    this.#database = database;
    this.#settings = settings;
    this.#log = log;
  }

  /** Sweeps every hour from now on. Instances that started together drift apart. */
  start(): void {
    this.#running = this.#sweepForEver();
  }

  /** When it resolves, no statement is running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One sweep over everything. Throws when the database is away. */
  async sweep(): Promise<Swept> {
    const { auditRetentionDays } = this.#settings;
    return {
      ...(await this.#sweepSessions()),
      revocations: await this.#repeat(sweepRevocations, [rowsPerBatch]),
      auditEvents: await this.#repeat(sweepAuditEvents, [rowsPerBatch, auditRetentionDays]),
      knownNetworks: await this.#repeat(sweepKnownNetworks, [rowsPerBatch, keepKnownNetworksDays]),
    };
  }

  async #sweepForEver(): Promise<void> {
    let wait = firstSweepMilliseconds * (1 + Math.random());
    while (await this.#waited(wait)) {
      wait = (await this.#trySweep())
        ? intervalMilliseconds * (0.9 + 0.2 * Math.random())
        : retryMilliseconds;
    }
  }

  async #trySweep(): Promise<boolean> {
    try {
      const swept = await this.sweep();
      this.#log.debug({ ...swept }, 'swept');
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#log.warn({ err: error }, 'sweep failed, will try again');
      return false;
    }
  }

  async #sweepSessions(): Promise<Pick<Swept, 'sessions' | 'generations'>> {
    const swept = { sessions: 0, generations: 0 };
    let after = beforeAllIds;
    while (!this.#stop.signal.aborted) {
      const [page] = await this.#database.run(sweepSessions, [after, sessionsPerPage, keepEndedSessionsDays]);
      if (!page?.last) break;
      swept.sessions += page.deleted;
      swept.generations += await this.#repeat(sweepLineage, [
        after,
        page.last,
        keepGenerations,
        rowsPerBatch,
      ]);
      after = page.last;
      await this.#waited(pauseMilliseconds);
    }
    return swept;
  }

  /** Runs a batch again for as long as it comes back full. */
  async #repeat(batch: Statement<{ deleted: number }>, values: unknown[]): Promise<number> {
    let total = 0;
    while (!this.#stop.signal.aborted) {
      const [row] = await this.#database.run(batch, values);
      const deleted = row?.deleted ?? 0;
      total += deleted;
      if (deleted < rowsPerBatch) break;
      await this.#waited(pauseMilliseconds);
    }
    return total;
  }

  /** Answers false, at once, when it is time to stop. */
  async #waited(milliseconds: number): Promise<boolean> {
    const { signal } = this.#stop;
    await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
    return !signal.aborted;
  }
}
