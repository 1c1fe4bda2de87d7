import { type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { bearerToken } from './bearer.js';
import { Blocklist } from './blocklist.js';
import { type AccessTokenClaims, assertClaimTypes, REQUIRED_CLAIMS } from './claims.js';
import { newCounters, type VerifierCounters } from './counters.js';
import { Discovery } from './discovery.js';
import { type VerifierError, verifierError } from './errors.js';
import type { RevocationEntry } from './feed/entry.js';
import { FeedClient } from './feed/feed-client.js';
import { FeedFollower } from './feed/follower.js';
import { isRecord } from './http.js';
import { refusalOf } from './jose-errors.js';
import { KeySet } from './key-set.js';
import { type FollowOptions, readOptions, type VerifierOptions, type VerifierSettings } from './options.js';
import { assertRequirements, checkRequirements, type Requirements } from './requirements.js';
import { assertTokenForm } from './token-form.js';

const SWEEP_INTERVAL_MS = 30_000;

export interface Verifier {
  /**
   * Verifies an access token (RFC 9068 §4, RFC 8725) and that it is not revoked, and gives its claims.
   * `required` adds to what the verifier's `require` option asks of every token.
   * Rejects with a VerifierError; with a TypeError only for requirements that it does not know.
   */
  verify(token: string, required?: Requirements): Promise<AccessTokenClaims>;
  /**
   * The same for the value of an `Authorization` header (RFC 6750 §2.1). Rejects with `token_missing` when it holds no
   * Bearer token, and with `request_malformed` when it holds none that is well-formed.
   */
  authenticate(authorization: string | undefined, required?: Requirements): Promise<AccessTokenClaims>;
  /** Seconds since the verifier last knew of everything revoked; Infinity when it never did, or does not follow the feed. */
  staleness(): number;
  counters(): VerifierCounters;
  /** Stops following the feed, and releases its connection and timers. */
  close(): Promise<void>;
}

/**
 * A verifier of keyturn's access tokens. Follows the revocation feed from now on, in the background, until closed.
 * Throws a TypeError for wrong options.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return new LocalVerifier(readOptions(options));
}

class LocalVerifier implements Verifier {
  readonly #counters = newCounters();
  readonly #blocklist = new Blocklist();
  readonly #keySet: KeySet;
  readonly #follower: FeedFollower | undefined;
  readonly #onStale: 'reject' | 'accept';
  readonly #sweeping: NodeJS.Timeout;
  readonly #joseOptions: JWTVerifyOptions;

  constructor(private readonly settings: VerifierSettings) {
    const discovery = new Discovery(settings.issuer, settings.fetch);
    const { revocations } = settings;
    this.#keySet = new KeySet(settings, discovery, this.#counters);
    this.#onStale = revocations.follow === 'off' ? 'accept' : revocations.onStale;
    this.#follower = revocations.follow === 'off' ? undefined : this.#follow(discovery, revocations);
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    this.#sweeping.unref();
    this.#joseOptions = joseOptions(settings);
  }

  async verify(token: string, required: Requirements = {}): Promise<AccessTokenClaims> {
    checkRequirements(required);
    try {
      assertTokenForm(token, this.settings.maxTokenLength);
      const { payload } = await jwtVerify(token, this.#findKey, this.#joseOptions);
      assertClaimTypes(payload);
      this.#assertIssued(payload);
      if (this.#follower?.isStale()) await this.#follower.firstAttempt;
      // As late as possible, so that what arrived in the meantime counts.
      this.#assertNotRevoked(payload);
      assertRequirements(payload, this.settings.require);
      assertRequirements(payload, required);
      this.#counters.verified += 1;
      return payload;
    } catch (error) {
      throw this.#count(refusalOf(error, this.settings));
    }
  }

  async authenticate(
    authorization: string | undefined,
    required: Requirements = {},
  ): Promise<AccessTokenClaims> {
    checkRequirements(required);
    const token = bearerToken(authorization);
    if (token === undefined) {
      throw this.#count(verifierError('token_missing', { realm: this.settings.audience[0] ?? '' }));
    }
    if (token === 'malformed') throw this.#count(verifierError('request_malformed'));
    return this.verify(token.value, required);
  }

  staleness(): number {
    return this.#follower?.stalenessSeconds() ?? Number.POSITIVE_INFINITY;
  }

  counters(): VerifierCounters {
    const { refused, ...counters } = this.#counters;
    return { ...counters, refused: { ...refused }, blocklistEntries: this.#blocklist.size };
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#follower?.close();
  }

  /** jose calls it with the header and the parts of a token of which nothing is proven yet. */
  readonly #findKey: JWTVerifyGetKey = ({ alg, kid, crit }, { payload }) => {
    // RFC 7515 §4.1.11: an access token needs no extension; jose by itself would take `b64`.
    if (crit !== undefined) throw verifierError('header_refused');
    return this.#keySet.find(kid, alg, () => this.#isPlausible(String(payload)));
  };

  /** Whether a token with an unknown `kid` claims enough to ask the server for new keys. Proves nothing. */
  #isPlausible(encodedPayload: string): boolean {
    const claims: unknown = JSON.parse(Buffer.from(encodedPayload, 'base64url').toString());
    if (!isRecord(claims) || claims.iss !== this.settings.issuer) return false;
    return typeof claims.exp === 'number' && claims.exp * 1000 > this.settings.clock();
  }

  /** `sub` entries compare with `iat`: a token from the future would pass by them. */
  #assertIssued({ iat }: AccessTokenClaims): void {
    const { clock, clockToleranceSeconds } = this.settings;
    if (iat > Math.floor(clock() / 1000) + clockToleranceSeconds) throw verifierError('token_not_yet_valid');
  }

  #assertNotRevoked(claims: AccessTokenClaims): void {
    if (this.#follower === undefined) return;
    if (this.#blocklist.revokes(claims)) throw verifierError('token_revoked');
    if (this.#onStale === 'reject' && this.#follower.isStale()) {
      throw verifierError('revocations_stale', { cause: this.#follower.failure });
    }
  }

  #follow(discovery: Discovery, options: FollowOptions): FeedFollower {
    const { fetch, clock, onError } = this.settings;
    return new FeedFollower({
      client: new FeedClient(discovery, fetch, options),
      options,
      counters: this.#counters,
      clock,
      onError,
      apply: (entry) => this.#apply(entry),
      onFailure: () => discovery.readAgain(),
    });
  }

  #apply(entry: RevocationEntry): void {
    if (entry.type === 'kid') this.#keySet.revoke(entry.value);
    else this.#blocklist.add(entry);
  }

  #sweep(): void {
    this.#blocklist.sweep(this.settings.clock() / 1000 - this.settings.clockToleranceSeconds);
  }

  #count(error: VerifierError): VerifierError {
    this.#counters.refused[error.code] = (this.#counters.refused[error.code] ?? 0) + 1;
    return error;
  }
}

/** RFC 9068 §4 and RFC 8725 in jose's words. */
function joseOptions(settings: VerifierSettings): JWTVerifyOptions {
  const { algorithms, issuer, audience, clockToleranceSeconds, maxTokenAgeSeconds, clock } = settings;
  return {
    get currentDate() {
      return new Date(clock());
    },
    algorithms,
    issuer,
    audience,
    typ: 'at+jwt',
    requiredClaims: REQUIRED_CLAIMS,
    clockTolerance: clockToleranceSeconds,
    ...(maxTokenAgeSeconds === undefined ? {} : { maxTokenAge: maxTokenAgeSeconds }),
  };
}
