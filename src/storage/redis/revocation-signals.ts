/** Announcements of other instances, for where PostgreSQL's NOTIFY does not get through (some poolers swallow it). */
import type { Redis } from 'ioredis';
import type { RevocationSignals } from '../../revocation/feed.js';
import { revocationChannel } from './revocation-view.js';

export class RedisRevocationSignals implements RevocationSignals {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async listen(onSignal: () => void): Promise<() => Promise<void>> {
    // A connection that subscribes can do nothing else. Nobody would hear of a failure to subscribe again by itself.
    const subscriber = this.#redis.duplicate({ autoResubscribe: false });
    subscriber.on('error', () => undefined); // The other connection says it.
    subscriber.on('message', onSignal);
    subscriber.on('ready', () => {
      subscriber.subscribe(revocationChannel).then(onSignal, () => subscriber.disconnect(true));
    });
    return async () => subscriber.disconnect();
  }
}

/** All of several. */
export function anyOf(...all: RevocationSignals[]): RevocationSignals {
  return {
    async listen(onSignal) {
      const stops = await Promise.all(all.map((signals) => signals.listen(onSignal)));
      return async () => {
        await Promise.all(stops.map((stop) => stop()));
      };
    },
  };
}
