/** Logins per minute, by account and by client address: what makes guessing passwords slow. */
import { createHmac } from 'node:crypto';
import type { Counters } from '../counters.js';
import { networkOf } from '../limits/network.js';
import type { Count, RateCounter } from '../limits/rate-counter.js';
import { OAuthError } from '../oauth/errors.js';
import { canonicalLogin } from './identifiers.js';

export interface LoginLimitsDependencies {
  counter: RateCounter;
  counters: Counters;
  /** Makes what is counted unreadable to whoever sees the counts: 32 bytes, the same on every instance. */
  secret: Uint8Array;
  loginRatePerMinute: number;
}

export class LoginLimits {
  readonly #counter: RateCounter;
  readonly #counters: Counters;
  readonly #secret: Uint8Array;
  readonly #ratePerMinute: number;

  constructor({ counter, counters, secret, loginRatePerMinute }: LoginLimitsDependencies) {
    this.#counter = counter;
    this.#counters = counters;
    this.#secret = secret;
    this.#ratePerMinute = loginRatePerMinute;
  }

  /**
   * Counts an attempt, whether it will succeed or not. The address comes first: one that is over its limit cannot use up
   * somebody's logins. Throws `too_many_requests`.
   */
  async admit(login: string, address: string | undefined): Promise<void> {
    this.#refuseBeyond(await this.#counter.add(this.#key('address', networkOf(address))), 'address');
    // What is no login of any form belongs to no account.
    const account = canonicalLogin(login);
    if (account !== undefined) {
      this.#refuseBeyond(await this.#counter.add(this.#key('account', account)), 'account');
    }
  }

  #refuseBeyond({ count, endsIn }: Count, kind: string): void {
    if (count <= this.#ratePerMinute) return;
    this.#counters.login('limited');
    throw new OAuthError('too_many_requests', {
      description: 'Too many logins, try again later',
      reason: `login limit of the ${kind}`,
      retryAfterSeconds: Math.max(1, Math.ceil(endsIn / 1000)),
    });
  }

  #key(kind: 'address' | 'account', value: string): string {
    const digest = createHmac('sha256', this.#secret).update(`${kind}\0${value}`).digest('base64url');
    return `login-${kind}:${digest}`;
  }
}
