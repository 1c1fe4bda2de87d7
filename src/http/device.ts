import type { FastifyRequest } from 'fastify';
import type { Device } from '../sessions/session.js';

const userAgentLimit = 256;

/** Where a request came from: the address behind trusted proxies, and what the client calls itself. */
export function deviceOf(request: FastifyRequest): Device {
  return { address: request.ip, userAgent: request.headers['user-agent']?.slice(0, userAgentLimit) };
}
