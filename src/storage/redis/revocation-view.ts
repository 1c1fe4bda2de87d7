/**
 * The blocklist's shared view. One key per entry, which expires with it:
 * `keyturn:revoked:jti:ID`, `keyturn:revoked:sid:ID`, `keyturn:revoked:sub:ID`, each holding the entry as JSON.
 * `keyturn:revoked:filled` marks a view that was filled since Redis last lost its memory.
 */
import type { Redis } from 'ioredis';
import type { RevocationStore, RevocationView } from '../../blocklist/blocklist.js';
import { covers } from '../../blocklist/blocklist.js';
import type { RevocationEntry, TokenIdentity } from '../../blocklist/entry.js';
import type { Logger } from '../../log.js';

const prefix = 'keyturn:revoked:';
const filledKey = `${prefix}filled`;
/** Each write is announced here, to instances and to whoever shares the Redis. */
export const revocationChannel = 'keyturn:revocations';

const checkMilliseconds = 1_000;
const batch = 1_000;

/** Of two entries for one user the later `before` covers more: an earlier one must not replace it. */
const keepLater = `
  local known = redis.call('GET', KEYS[1])
  if known then
    local before = cjson.decode(known).before
    if before and before > tonumber(ARGV[2]) then return 0 end
  end
  redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
  return 1`;

export class RedisRevocationView implements RevocationView {
  readonly #redis: Redis;
  readonly #store: RevocationStore;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #filling = false;
  /** Redis lacks entries that it could not be given. */
  #incomplete = false;

  constructor(redis: Redis, store: RevocationStore, log: Logger) {
    this.#redis = redis;
    this.#store = store;
    this.#log = log;
  }

  /** Fills the view from SQL whenever it lacks something: at start, after a flush, a restart or an outage of Redis. */
  start(): void {
    this.#redis.on('ready', () => void this.#fillIfEmpty());
    this.#timer = setInterval(() => void this.#fillIfEmpty(), checkMilliseconds);
    this.#timer.unref();
    void this.#fillIfEmpty();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Committed entries that Redis does not take are found in SQL; the view is filled again when Redis is back. */
  async publish(entries: readonly RevocationEntry[]): Promise<void> {
    try {
      await this.#write(entries);
      await this.#redis.publish(revocationChannel, entries.at(-1)?.position ?? '');
    } catch (error) {
      this.#log.warn({ err: error }, 'revocations not written to redis');
      this.#incomplete = true;
    }
  }

  async find(token: TokenIdentity): Promise<RevocationEntry | undefined> {
    try {
      const keys = [`jti:${token.jti}`, `sid:${token.sid ?? ''}`, `sub:${token.sub}`];
      const values = await this.#redis.mget(keys.map((key) => prefix + key));
      return values
        .flatMap((value) => (value === null ? [] : [JSON.parse(value) as RevocationEntry]))
        .find((entry) => covers(entry, token));
    } catch {
      return undefined;
    }
  }

  async #fillIfEmpty(): Promise<void> {
    if (this.#filling || this.#redis.status !== 'ready') return;
    this.#filling = true;
    try {
      if (this.#incomplete || !(await this.#redis.exists(filledKey))) await this.#fill();
    } catch (error) {
      this.#incomplete = true;
      this.#log.warn({ err: error }, 'blocklist view not filled');
    } finally {
      this.#filling = false;
    }
  }

  async #fill(): Promise<void> {
    this.#incomplete = false;
    let position = '0';
    let count = 0;
    for (;;) {
      const entries = await this.#store.after(position, batch);
      await this.#write(entries);
      count += entries.length;
      position = entries.at(-1)?.position ?? position;
      if (entries.length < batch) break;
    }
    await this.#redis.set(filledKey, position);
    this.#log.info({ entries: count }, 'blocklist view filled from the database');
  }

  async #write(entries: readonly RevocationEntry[]): Promise<void> {
    const pipeline = this.#redis.pipeline();
    for (const entry of entries) {
      const key = `${prefix}${entry.type}:${entry.value}`;
      const expiresAt = Math.ceil(entry.expiresAt);
      if (entry.type === 'sub') {
        pipeline.eval(keepLater, 1, key, JSON.stringify(entry), entry.before ?? 0, expiresAt);
      } else {
        pipeline.set(key, JSON.stringify(entry), 'PXAT', expiresAt);
      }
    }
    const results = (await pipeline.exec()) ?? [];
    const failure = results.find(([error]) => error)?.[0];
    if (failure) throw failure;
  }
}
