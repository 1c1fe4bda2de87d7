/**
 * How many wrong passwords are taken, from whom and for whom: docs/decisions/login-limits.md. Only failures count, so that
 * neither an office behind one address nor a right password is ever held up by successes.
 */
import { createHmac } from 'node:crypto';
import type { Counters } from '../counters.js';
import type { Attempt, AttemptCounter, AttemptPolicy } from '../limits/attempts.js';
import { networkOf, siteOf } from '../limits/network.js';
import { OAuthError } from '../oauth/errors.js';

export interface LoginLimitsDependencies {
  counter: AttemptCounter;
  counters: Counters;
  /** Makes what is counted unreadable to whoever sees the counts: 32 bytes, the same on every instance. */
  secret: Uint8Array;
  loginRatePerMinute: number;
}

/** Who tries to log in, and as whom. */
export interface LoginAttempt {
  /** A user's id, or the canonical login where there is no such user: both are counted alike. */
  account: string;
  address: string | undefined;
  /** Whether the account has logged in from this network before. Asked only when it matters. */
  isKnownNetwork(network: Uint8Array): Promise<boolean>;
}

/** An attempt that was let through. One of these is called when its outcome is known. */
export interface AdmittedLogin {
  /** The password was wrong, or there is no such user. */
  failed(): Promise<void>;
  /** The login was right: its failures from this network are forgotten, and nobody else's. */
  succeeded(): Promise<void>;
  /** Whether the password was right could not be found out. */
  undecided(): Promise<void>;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Mistyping a password so often costs nobody a wait, and more where the rate is set higher: a sixth of it. */
const freeByPair = 10;
const sharePerPair = 6;
/** What a whole site may fail, in networks: several people behind a /56. */
const networksPerSite = 4;

const tiers = ['pair', 'network', 'site', 'account'] as const;
type Tier = (typeof tiers)[number];

export class LoginLimits {
  readonly #counter: AttemptCounter;
  readonly #counters: Counters;
  readonly #secret: Uint8Array;
  readonly #policies: Record<Tier, AttemptPolicy>;

  constructor({ counter, counters, secret, loginRatePerMinute }: LoginLimitsDependencies) {
    this.#counter = counter;
    this.#counters = counters;
    this.#secret = secret;
    this.#policies = policiesOf(loginRatePerMinute);
  }

  /** Throws `too_many_requests`. */
  async admit(attempt: LoginAttempt): Promise<AdmittedLogin> {
    const attempts = this.#attempts(attempt);
    let admission = await this.#counter.admit(attempts);
    // A network of the account's own is not held up by what strangers do to the account.
    if (admission !== 'admitted' && tiers[admission.refused] === 'account') {
      if (await attempt.isKnownNetwork(this.networkId(attempt.address))) {
        attempts.pop();
        admission = await this.#counter.admit(attempts);
      }
    }
    if (admission !== 'admitted') throw this.#refusal(tiers[admission.refused], admission.waitMs);
    const [pair = '', ...others] = attempts.map(({ key }) => key);
    return {
      failed: () => this.#counter.fail(attempts),
      succeeded: async () => {
        await Promise.all([this.#counter.forget(pair), this.#counter.release(others)]);
      },
      undecided: () => this.#counter.release([pair, ...others]),
    };
  }

  /** What a network is remembered by: unreadable without the secret. */
  networkId(address: string | undefined): Uint8Array {
    return this.#digest('network', networkOf(address));
  }

  #attempts({ account, address }: LoginAttempt): Attempt[] {
    const network = networkOf(address);
    const named: Record<Tier, string> = {
      pair: `${account}\0${network}`,
      network,
      site: siteOf(address),
      account,
    };
    return tiers.map((tier) => ({
      key: `login-${tier}:${this.#digest(tier, named[tier]).toString('base64url')}`,
      policy: this.#policies[tier],
    }));
  }

  #refusal(tier: Tier | undefined, waitMs: number): OAuthError {
    this.#counters.login('limited');
    return new OAuthError('too_many_requests', {
      description: 'Too many failed logins, try again later',
      reason: `login limit of the ${tier}`,
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    });
  }

  #digest(kind: string, value: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${kind}\0${value}`).digest();
  }
}

/**
 * By account and network the pause grows to a quarter of an hour: some 110 guesses a day. By account, for strangers, to a
 * minute: some 1,500 a day, however many networks they come from. By network and site it is a minute's rate.
 */
function policiesOf(ratePerMinute: number): Record<Tier, AttemptPolicy> {
  const everyMinute = (free: number) => ({
    free,
    firstPauseMs: minuteMs,
    maxPauseMs: minuteMs,
    memoryMs: minuteMs,
  });
  return {
    pair: {
      free: Math.min(ratePerMinute, Math.max(freeByPair, Math.floor(ratePerMinute / sharePerPair))),
      firstPauseMs: 1_000,
      maxPauseMs: 15 * minuteMs,
      memoryMs: dayMs,
    },
    network: everyMinute(ratePerMinute),
    site: everyMinute(ratePerMinute * networksPerSite),
    account: { ...everyMinute(ratePerMinute), memoryMs: dayMs },
  };
}
