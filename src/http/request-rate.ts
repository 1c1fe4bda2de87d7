/** Requests per minute and client address, over all routes but those that the operator's own tools ask. */
import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { networkOf } from '../limits/network.js';
import { type RateTally, windowMilliseconds } from '../limits/rate-tally.js';
import { OAuthError } from '../oauth/errors.js';

/** For the `config` of routes that are not counted. */
export const unlimited = { rateLimit: false } as const;

/** Makes the hook that counts requests and refuses those beyond the limit; for `onRequest`. */
export async function requestLimit(
  app: FastifyInstance,
  tally: RateTally,
  requestRatePerMinute: number,
): Promise<onRequestAsyncHookHandler> {
  await app.register(rateLimit, {
    global: false,
    max: requestRatePerMinute,
    timeWindow: windowMilliseconds,
    keyGenerator: ({ ip }: FastifyRequest) => networkOf(ip),
    allowList: ({ routeOptions }: FastifyRequest) => routeOptions.config.rateLimit === false,
    store: storeOn(tally),
    addHeadersOnExceeding: noHeaders,
    addHeaders: noHeaders,
    errorResponseBuilder: (_request, { ttl }) => tooManyRequests(ttl),
  });
  return app.rateLimit();
}

/** What a client may do is none of what it needs to know before it has done too much. */
const noHeaders = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
};

function tooManyRequests(endsInMilliseconds: number): OAuthError {
  return new OAuthError('too_many_requests', {
    description: 'Too many requests, try again later',
    reason: 'request limit of the address',
    retryAfterSeconds: Math.max(1, Math.ceil(endsInMilliseconds / 1000)),
  });
}

function storeOn(tally: RateTally) {
  return class implements FastifyRateLimitStore {
    incr(
      key: string,
      answer: (error: Error | null, result?: { current: number; ttl: number }) => void,
    ): void {
      const { count, endsIn } = tally.add(`requests:${key}`);
      answer(null, { current: count, ttl: endsIn });
    }

    child(): this {
      return this;
    }
  };
}
