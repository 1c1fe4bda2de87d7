import type { AccessTokenClaims } from './claims.js';
import type { RevocationEntry } from './feed/entry.js';

interface SubjectRevocation {
  beforeMs: number;
  expiresAt: number;
}

/** What is revoked and not yet expired, in memory: a look-up by `jti`, `sid` and `sub`. Times in seconds, `beforeMs` in milliseconds. */
export class Blocklist {
  readonly #expiryByJti = new Map<string, number>();
  readonly #expiryBySid = new Map<string, number>();
  readonly #bySub = new Map<string, SubjectRevocation>();

  get size(): number {
    return this.#expiryByJti.size + this.#expiryBySid.size + this.#bySub.size;
  }

  /** Adding twice changes nothing; of two entries for one value the wider counts. */
  add(entry: RevocationEntry): void {
    if (entry.type === 'jti') keepLatest(this.#expiryByJti, entry);
    else if (entry.type === 'sid') keepLatest(this.#expiryBySid, entry);
    else if (entry.type === 'sub') this.#addSubject(entry.value, entry.beforeMs, entry.expiresAt);
  }

  revokes({ jti, sid, sub, iat }: AccessTokenClaims): boolean {
    if (this.#expiryByJti.has(jti)) return true;
    if (sid !== undefined && this.#expiryBySid.has(sid)) return true;
    const subject = this.#bySub.get(sub);
    return subject !== undefined && iat * 1000 < subject.beforeMs;
  }

  /** Forgets what can only concern tokens that have expired by now. */
  sweep(nowSeconds: number): void {
    for (const expiries of [this.#expiryByJti, this.#expiryBySid]) {
      for (const [value, expiresAt] of expiries) if (expiresAt <= nowSeconds) expiries.delete(value);
    }
    for (const [value, { expiresAt }] of this.#bySub) if (expiresAt <= nowSeconds) this.#bySub.delete(value);
  }

  #addSubject(sub: string, beforeMs: number, expiresAt: number): void {
    const known = this.#bySub.get(sub) ?? { beforeMs: 0, expiresAt: 0 };
    this.#bySub.set(sub, {
      beforeMs: Math.max(known.beforeMs, beforeMs),
      expiresAt: Math.max(known.expiresAt, expiresAt),
    });
  }
}

function keepLatest(expiries: Map<string, number>, { value, expiresAt }: RevocationEntry): void {
  expiries.set(value, Math.max(expiries.get(value) ?? 0, expiresAt));
}
