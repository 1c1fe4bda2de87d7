// The server's public keys: fetched when needed, kept for as long as the server allows, and a little longer when it is away.
import type { CryptoKey } from 'jose';
import { freshnessSeconds } from './cache-control.js';
import type { VerifierCounters } from './counters.js';
import type { Discovery } from './discovery.js';
import { type VerifierError, verifierError } from './errors.js';
import { BackgroundError, SetupError } from './failures.js';
import { getJson } from './http.js';
import type { VerifierSettings } from './options.js';
import { importKeySet, type VerificationKey } from './verification-key.js';

const MAX_KEY_SET_BYTES = 1024 * 1024;
/** An unknown `kid` makes the set be fetched again, but not sooner than this after the last time. */
const UNKNOWN_KID_COOLDOWN_MS = 30_000;
/** After a failure, the next attempt waits this long. */
const RETRY_MS = 2_000;
/** No server revokes so many keys. */
const MAX_REVOKED_KEYS = 10_000;
/** From this share of its life on, the set is renewed in the background, so that no token waits for it. */
const RENEW_AT = 0.8;
/** For how long past its life the set is used while the server cannot be reached. */
const MAX_OVERDUE_MS = 3_600_000;

export class KeySet {
  #keys = new Map<string, VerificationKey>();
  /** Never forgotten: a leaked key signs tokens with any `exp`, and a cache on the way may still serve the key. */
  readonly #revoked = new Set<string>();
  #renewAt = Number.NEGATIVE_INFINITY;
  #expiresAt = Number.NEGATIVE_INFINITY;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  /** Of the last attempt, when it failed. */
  #failure: BackgroundError | undefined;
  #fetching: Promise<void> | undefined;

  constructor(
    private readonly settings: VerifierSettings,
    private readonly discovery: Discovery,
    private readonly counters: VerifierCounters,
  ) {}

  /**
   * The key for a token's header, at once where it is at hand. `isPlausible` tells whether the token, unverified, looks good
   * enough to ask the server about a `kid` that the set lacks.
   */
  find(kid: unknown, alg: string | undefined, isPlausible: () => boolean): CryptoKey | Promise<CryptoKey> {
    if (typeof kid !== 'string') throw verifierError('header_refused');
    const isAtHand = this.settings.clock() < this.#renewAt && this.#keys.has(kid);
    return isAtHand ? this.#pick(kid, alg) : this.#findAnew(kid, alg, isPlausible);
  }

  async #findAnew(kid: string, alg: string | undefined, isPlausible: () => boolean): Promise<CryptoKey> {
    if (this.#revoked.has(kid)) throw verifierError('key_revoked');
    await this.#ensureUsable();
    if (!this.#keys.has(kid)) await this.#learn(kid, isPlausible);
    return this.#pick(kid, alg);
  }

  /** Asks for a key that the set lacks. A set past its life cannot tell that there is none: the token may well be good. */
  async #learn(kid: string, isPlausible: () => boolean): Promise<void> {
    const mayAsk = this.#mayAskForUnknownKid();
    if (!(mayAsk || this.#isOverdue()) || !isPlausible()) return;
    if (mayAsk) await this.#fetchQuietly();
    const isKnown = this.#keys.has(kid) || this.#revoked.has(kid);
    if (this.#isOverdue() && !isKnown) throw this.#unavailable();
  }

  #isOverdue(): boolean {
    return this.settings.clock() >= this.#expiresAt;
  }

  #pick(kid: string, alg: string | undefined): CryptoKey {
    if (this.#revoked.has(kid)) throw verifierError('key_revoked');
    const found = this.#keys.get(kid);
    if (!found) throw verifierError('key_unknown');
    // RFC 8725 §3.1: a key is used with the one algorithm that it was made for.
    if (found.alg !== alg) throw verifierError('algorithm_refused');
    return found.key;
  }

  /** Drops a key at once and has the set fetched again, since another key has taken over. */
  revoke(kid: string): void {
    if (this.#revoked.has(kid)) return;
    if (this.#revoked.size >= MAX_REVOKED_KEYS) throw new Error('The feed names too many revoked keys');
    this.#revoked.add(kid);
    this.#keys.delete(kid);
    this.#renewAt = Number.NEGATIVE_INFINITY;
    this.#attemptedAt = Number.NEGATIVE_INFINITY;
  }

  async #ensureUsable(): Promise<void> {
    const now = this.settings.clock();
    if (now < this.#renewAt) return;
    const mustWait = now >= this.#expiresAt && !(this.#failure && this.#isUsable(now));
    if (this.#fetching || this.#sinceAttemptMs() >= this.#pauseMs()) {
      const fetching = this.#fetchQuietly();
      if (mustWait) await fetching;
    }
    if (!this.#isUsable(this.settings.clock())) throw this.#unavailable();
  }

  #unavailable(): VerifierError {
    return verifierError('keys_unavailable', { cause: this.#failure });
  }

  #pauseMs(): number {
    return this.#failure ? RETRY_MS : 0;
  }

  #isUsable(now: number): boolean {
    return now < this.#expiresAt + MAX_OVERDUE_MS;
  }

  #mayAskForUnknownKid(): boolean {
    return this.#fetching !== undefined || this.#sinceAttemptMs() >= UNKNOWN_KID_COOLDOWN_MS;
  }

  /** A clock that was set back must not put off the next attempt for as long as it was set back. */
  #sinceAttemptMs(): number {
    const sinceMs = this.settings.clock() - this.#attemptedAt;
    return sinceMs < 0 ? Number.POSITIVE_INFINITY : sinceMs;
  }

  /** One fetch in flight, whoever waits for it. Never throws: what follows from a failure is seen in the set's age. */
  #fetchQuietly(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    this.#attemptedAt = this.settings.clock();
    this.counters.keySetFetches += 1;
    try {
      await this.#load();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = new BackgroundError('keys', this.#failure !== undefined, error);
      this.counters.keySetFailures += 1;
      this.discovery.readAgain();
      this.settings.onError(this.#failure);
    }
  }

  async #load(): Promise<void> {
    const { fetch, algorithms, clock } = this.settings;
    const { jwksUri } = await this.discovery.metadata();
    const { status, headers, body } = await getJson(jwksUri, { fetch, maxBytes: MAX_KEY_SET_BYTES });
    if (status !== 200) throw new Error(`${jwksUri} answered ${status}`);
    const keys = await importKeySet(body, algorithms);
    if (keys.size === 0) {
      throw new SetupError('algorithms', `${jwksUri} has no usable key for ${algorithms.join(' or ')}`);
    }
    for (const kid of this.#revoked) keys.delete(kid);
    this.#keys = keys;
    const freshMs = freshnessSeconds(headers) * 1000;
    this.#renewAt = clock() + freshMs * RENEW_AT;
    this.#expiresAt = clock() + freshMs;
  }
}
