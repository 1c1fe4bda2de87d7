/** `/health/live`: the process answers. `/health/ready`: it can serve, which needs its database and a signing key. */
import type { FastifyInstance } from 'fastify';
import { unlimited } from './request-rate.js';

export interface HealthChecks {
  /** What does not work, by name; empty when all is well. */
  failures(): Promise<string[]>;
}

const askedByMachines = { config: { ...unlimited, quiet: true } } as const;

export function registerHealth(app: FastifyInstance, checks: HealthChecks): void {
  app.get('/health/live', askedByMachines, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );

  app.get('/health/ready', askedByMachines, async (_request, reply) => {
    const failures = await checks.failures();
    const ready = failures.length === 0;
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(ready ? { status: 'ok' } : { status: 'unavailable', failures });
  });
}
