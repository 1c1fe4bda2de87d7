/**
 * argon2id behind a semaphore and a bounded queue. Hashing shares four threads with signing and file access:
 * unbounded, a burst of logins would hold up every signature.
 */
import argon2, { type Options } from 'argon2';
import { OAuthError } from '../oauth/errors.js';

export interface PasswordHasherSettings {
  memoryKib: number;
  timeCost: number;
  parallelism: number;
  /** Hashed at once. */
  concurrency: number;
  /** Waiting; beyond it `temporarily_unavailable`. */
  queueLength: number;
}

/** Long enough for any passphrase, short enough that it costs nothing to take in. */
export const passwordLimitBytes = 1024;

export class PasswordHasher {
  readonly #settings: PasswordHasherSettings;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** What an unknown user's password is compared with. */
  #decoy: Promise<string> | undefined;

  constructor(settings: PasswordHasherSettings) {
    this.#settings = settings;
  }

  /** Passwords waiting to be hashed. */
  get queued(): number {
    return this.#waiting.length;
  }

  hash(password: string): Promise<string> {
    return this.#inTurn(() => argon2.hash(normalised(password), this.#argon2Options()));
  }

  /**
   * Whether `password` is the one that was hashed. Without a hash (an unknown user) the answer is no, and the work the same.
   * Throws `temporarily_unavailable` when too many are waiting, before any work.
   */
  verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const matches = await argon2.verify(passwordHash ?? (await this.#decoyHash()), normalised(password));
      return matches && passwordHash !== undefined;
    });
  }

  /** Whether the hash was made with less memory or fewer passes than today's settings, or by another algorithm. */
  isOutdated(passwordHash: string): boolean {
    if (!passwordHash.startsWith('$argon2id$')) return true;
    const { memoryKib, timeCost } = this.#settings;
    const [, memory = 0, passes = 0] = costs.exec(passwordHash) ?? [];
    return Number(memory) < memoryKib || Number(passes) < timeCost;
  }

  #decoyHash(): Promise<string> {
    this.#decoy ??= argon2.hash('no user has this hash', this.#argon2Options());
    return this.#decoy;
  }

  #argon2Options(): Options {
    const { memoryKib, timeCost, parallelism } = this.#settings;
    return { type: argon2.argon2id, memoryCost: memoryKib, timeCost, parallelism };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  #turn(): Promise<void> {
    if (this.#running < this.#settings.concurrency) {
      this.#running += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#settings.queueLength) throw tooManyLogins();
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.#running += 1;
        resolve();
      });
    });
  }
}

/** In the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. */
const costs = /\$m=(\d+),t=(\d+),/;

/** The same password typed on another keyboard is the same password: NFC, as RFC 8265 §4.2 has it. */
function normalised(password: string): string {
  return password.normalize('NFC');
}

function tooManyLogins(): OAuthError {
  return new OAuthError('temporarily_unavailable', {
    description: 'Too many logins at once',
    reason: 'password hash queue full',
    retryAfterSeconds: 1,
  });
}
