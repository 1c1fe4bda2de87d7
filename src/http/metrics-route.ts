/** `GET /metrics`, for a Prometheus that asks this instance itself. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { OAuthError } from '../oauth/errors.js';
import type { Metrics } from './metrics.js';
import { unlimited } from './request-rate.js';

export function registerMetrics(app: FastifyInstance, { registry }: Metrics): void {
  app.get('/metrics', { config: { ...unlimited, quiet: true } }, async (request, reply) => {
    requireNeighbour(request);
    return reply
      .type(registry.contentType)
      .header('cache-control', 'no-store')
      .send(await registry.metrics());
  });
}

const neighbourhoods = new Set(['loopback', 'private', 'linkLocal', 'uniqueLocal']);

/**
 * How busy a server is, and with what, is not for everybody: only this machine and private networks may ask, and only
 * directly. What a proxy passes on comes from anywhere, whatever its own address.
 */
function requireNeighbour({ headers, socket }: FastifyRequest): void {
  const forwarded = headers['x-forwarded-for'] ?? headers.forwarded ?? headers.via;
  if (forwarded === undefined && isNeighbour(socket.remoteAddress)) return;
  throw new OAuthError('access_denied', {
    description: 'Metrics are for the private network of this server',
    reason: forwarded === undefined ? 'public address' : 'came through a proxy',
  });
}

function isNeighbour(address: string | undefined): boolean {
  // A local socket has no address.
  if (address === undefined) return true;
  return ipaddr.isValid(address) && neighbourhoods.has(ipaddr.process(address).range());
}
