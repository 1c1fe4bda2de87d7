import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { Logger } from '../../log.js';

/**
 * A connection whose commands fail in well under a second while Redis is away, instead of waiting for ever,
 * and which connects again by itself for as long as it takes.
 */
export function openRedis(url: string, log: Logger): Redis {
  const redis = new Redis(url, {
    connectionName: 'keyturn',
    connectTimeout: 2_000,
    commandTimeout: 500,
    // A connection that answers nothing for so long is given up: the next one may get through.
    socketTimeout: 2_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  });
  let lastMessage = '';
  redis.on('error', (error: Error) => {
    // Said once per outage, not once per attempt.
    if (error.message !== lastMessage) log.warn({ reason: error.message }, 'redis unavailable');
    lastMessage = error.message;
  });
  redis.on('ready', () => {
    lastMessage = '';
    log.info({}, 'redis ready');
  });
  return redis;
}

/** Waits until it takes commands, but not for long: commands fail at once before. */
export async function whenReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  const signal = AbortSignal.timeout(readyMilliseconds);
  await once(redis, 'ready', { signal }).catch(() => undefined);
}

const readyMilliseconds = 1_000;
