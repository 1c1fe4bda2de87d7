/** A running server's keys: follows the home of the keys and the clock, signs, verifies, publishes. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CryptoKey, errors } from 'jose';
import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import { temporarilyUnavailable } from '../oauth/errors.js';
import type { RandomBytes } from '../secrets.js';
import { ImportedKeys } from './imported-keys.js';
import { keepUp } from './keep-up.js';
import { commitFirstKeys } from './key-changes.js';
import { type KeyFigures, keyFigures } from './key-figures.js';
import { type KeyRingView, keyRingView } from './key-ring-view.js';
import { type KeySetDocument, keySetMaxAgeSeconds, PROPAGATION_SECONDS } from './key-set-document.js';
import type { KeySettings } from './key-settings.js';
import type { KeyProblem, KeySet, KeyStore } from './key-store.js';
import { UsageCounter } from './key-usage.js';
import type { Signer } from './signer.js';

export interface KeyRingOptions {
  store: KeyStore;
  settings: KeySettings;
  clock: Clock;
  randomBytes: RandomBytes;
  log: Logger;
}

/** Another process's change is seen after this long at the latest. */
const POLL_INTERVAL_MS = 1000;
/** Requests wait so long for a look at a home that does not answer. */
const LOOK_TIMEOUT_MS = 1000;
/** Damage that changes no revision is found, and the instance reports, this often. */
const REPORT_INTERVAL_MS = 30_000;

/** The keys cannot be used, and so the server cannot start. The message says what to do. */
export class UnusableKeysError extends Error {
  override readonly name = 'UnusableKeysError';
}

export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #instanceId = randomUUID();
  readonly #startedAtMs: number;
  readonly #usage: UsageCounter;
  readonly #loggedProblems = new Set<string>();
  #set: KeySet = { revision: 0, keys: [], privateKeys: new Map(), movedTo: null, problems: [] };
  #imported = ImportedKeys.none;
  #view: KeyRingView;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #reportDueAtMs = 0;
  #reportedRevision = 0;
  /** The last look at the home that succeeded, in the process's own time. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock();
    this.#usage = new UsageCounter(options.settings.accessTokenTtlSeconds);
    this.#view = this.#deriveView();
  }

  /**
   * Loads the keys, makes the first ones if there are none, and follows their home from then on.
   * @throws UnusableKeysError without an active key that can sign
   */
  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const ring = new KeyRing(options);
    await ring.#loadOrMakeKeys();
    ring.#requireActiveKey();
    await ring.#poll();
    ring.#timer = setInterval(() => void ring.#poll(), POLL_INTERVAL_MS);
    ring.#timer.unref();
    return ring;
  }

  /**
   * Looks at the home first, if that was long enough ago for a rotation to have been missed: a key that no longer signs leaves the
   * key set before what it would sign expires. Waits a second for it at most.
   */
  async upToDate(): Promise<void> {
    if (performance.now() - this.#lookedAt <= PROPAGATION_SECONDS * 1000) return;
    await Promise.race([this.reload(), sleep(LOOK_TIMEOUT_MS, undefined, { ref: false })]);
  }

  /** The key that signs now. Throws `temporarily_unavailable` when there is none. */
  signer(): Signer {
    const { signer } = this.#currentView();
    if (!signer) throw temporarilyUnavailable('no signing key is active');
    return signer;
  }

  /**
   * The key for a token's header: of a key that is published now, never of one revoked or removed. Fits jose's `jwtVerify`.
   * @throws JWKSNoMatchingKey of jose
   */
  verificationKey(header: { kid?: string | undefined; alg?: string | undefined }): CryptoKey {
    const key = this.#currentView().verificationKeys.get(header.kid ?? '');
    if (!key || key.alg !== header.alg) throw new errors.JWKSNoMatchingKey();
    return key.publicKey;
  }

  /** The key set to publish, and for how many seconds it may be kept. */
  jwks(): KeySetDocument & { maxAgeSeconds: number } {
    const { document, nextKeySetChangeAtMs } = this.#currentView();
    const maxAgeSeconds = keySetMaxAgeSeconds(
      this.#options.settings,
      nextKeySetChangeAtMs,
      this.#options.clock(),
    );
    return { body: document.body, etag: document.etag, maxAgeSeconds };
  }

  /** The keys that this server works with, in numbers. */
  figures(): KeyFigures {
    return keyFigures(this.#set.keys, this.#options.settings, this.#options.clock());
  }

  /** Takes up what was just written to the home, without waiting for the next look. */
  async reload(): Promise<void> {
    await this.#polling;
    await this.#poll();
  }

  /** Stops following the home, and leaves a last report there. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#polling;
    const nowMs = this.#options.clock();
    await this.#report(nowMs, nowMs).catch((error: unknown) => this.#logFailure(error));
  }

  async #loadOrMakeKeys(): Promise<void> {
    const { store, clock } = this.#options;
    const set = await store.load();
    if (set.movedTo !== null) throw new UnusableKeysError(movedMessage(store, set.movedTo));
    if (set.keys.length > 0 || set.problems.length > 0) return this.#takeUp(set);
    await commitFirstKeys(this.#options, clock(), set.revision);
    await this.#takeUp(await store.load());
  }

  #requireActiveKey(): void {
    if (this.#currentView().signer) return;
    const problems = [...this.#set.problems, ...this.#imported.problems].map(describeProblem);
    const found = problems.length > 0 ? `: ${problems.join('; ')}` : '';
    const remedy = this.#set.problems.some(({ curable }) => curable)
      ? 'Do that, and start again.'
      : 'Restore it from a backup, or run `keyturn keys rotate --force` to sign with another key from now on.';
    throw new UnusableKeysError(
      `no usable active signing key in ${this.#options.store.description}${found}. ${remedy}`,
    );
  }

  #poll(): Promise<void> {
    this.#polling ??= this.#keepUp()
      .catch((error: unknown) => this.#logFailure(error))
      .finally(() => {
        this.#polling = undefined;
      });
    return this.#polling;
  }

  async #keepUp(): Promise<void> {
    const { store, clock } = this.#options;
    const lookedAt = performance.now();
    const isReportDue = clock() >= this.#reportDueAtMs;
    if (isReportDue || (await store.revision()) !== this.#set.revision)
      await this.#takeUp(await store.load());
    if (await keepUp(this.#options, this.#set, clock())) await this.#takeUp(await store.load());
    if (isReportDue || this.#reportedRevision !== this.#set.revision) await this.#report(clock(), null);
    this.#loggedProblems.delete(UNREACHABLE);
    this.#lookedAt = lookedAt;
  }

  async #takeUp(loaded: KeySet): Promise<void> {
    const { store, clock, log } = this.#options;
    const set = this.#undamaged(loaded);
    for (const problem of set.problems) this.#logProblem(problem);
    if (set.keys.length === 0) {
      this.#set = { ...this.#set, problems: set.problems };
      const message = set.movedTo === null ? 'holds no keys any more' : movedMessage(store, set.movedTo);
      return this.#logProblem({
        source: store.description,
        message: `${message}; signing on with the keys in memory`,
      });
    }
    const imported = await this.#imported.following(set, clock());
    for (const problem of imported.problems) this.#logProblem(problem);
    if (set.revision !== this.#set.revision) log.info({ revision: set.revision }, 'took up signing keys');
    this.#set = set;
    this.#imported = imported;
    this.#view = this.#deriveView();
  }

  /** What was read of this revision before it was damaged is better than what is left of it. */
  #undamaged(set: KeySet): KeySet {
    const wasWhole = set.problems.length > 0 && set.revision === this.#set.revision;
    return wasWhole ? { ...set, keys: this.#set.keys } : set;
  }

  #currentView(): KeyRingView {
    if (this.#options.clock() >= this.#view.validUntilMs) this.#view = this.#deriveView();
    return this.#view;
  }

  #deriveView(): KeyRingView {
    const { settings, clock } = this.#options;
    const counterFor = (kid: string) => this.#usage.counterFor(kid, clock);
    return keyRingView(this.#set.keys, this.#imported, settings, clock(), counterFor);
  }

  async #report(nowMs: number, stoppedAtMs: number | null): Promise<void> {
    await this.#options.store.report({
      instanceId: this.#instanceId,
      reportedAtMs: nowMs,
      startedAtMs: this.#startedAtMs,
      stoppedAtMs,
      revision: this.#set.revision,
      signingKid: this.#currentView().signer?.kid ?? null,
      usage: this.#usage.collect(nowMs, new Set(this.#set.keys.map((key) => key.kid))),
    });
    this.#reportedRevision = this.#set.revision;
    this.#reportDueAtMs = nowMs + REPORT_INTERVAL_MS;
  }

  #logFailure(error: unknown): void {
    const message = error instanceof Error ? error.message : 'unknown failure';
    this.#logProblem({ source: UNREACHABLE, message: `${message}; signing on with the keys in memory` });
  }

  /** Once per problem: the next look, a second later, would find it again. */
  #logProblem(problem: KeyProblem): void {
    const text = describeProblem(problem);
    const mark = problem.source === UNREACHABLE ? UNREACHABLE : text;
    if (this.#loggedProblems.has(mark)) return;
    this.#loggedProblems.add(mark);
    this.#options.log.error({ source: problem.source, kid: problem.kid }, `signing keys: ${text}`);
  }
}

const UNREACHABLE = 'the home of the keys';

function describeProblem(problem: KeyProblem): string {
  return `${problem.source} ${problem.message}`;
}

function movedMessage(store: KeyStore, movedTo: string): string {
  return `the keys in ${store.description} were moved to ${movedTo}: set KEY_STORE accordingly and restart`;
}
