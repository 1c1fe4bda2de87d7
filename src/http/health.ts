/** `/health/live`: the process answers. `/health/ready`: it can serve, which needs its database and a signing key. */
import type { FastifyInstance } from 'fastify';
import { unlimited } from './request-rate.js';

/** Whether this instance should be sent requests. */
export class Health {
  readonly #check: () => Promise<string[]>;
  #draining = false;

  /** @param check answers what does not work, by name */
  constructor(check: () => Promise<string[]>) {
    this.#check = check;
  }

  /** Not ready from now on: the server is about to close. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** What does not work, by name; empty when all is well. */
  async failures(): Promise<string[]> {
    return this.#draining ? ['closing'] : this.#check();
  }
}

/** Never by pages of other origins, about which the database would have to be asked. */
const askedByMachines = { config: { ...unlimited, quiet: true, cors: false } } as const;

/** Otherwise a proxy could send a request down a kept connection in the moment in which it is closed. */
export function closeConnectionsWhileDraining(app: FastifyInstance, health: Health): void {
  app.addHook('onRequest', (_request, reply, done) => {
    // Also for answers that are written to Node's response directly.
    if (health.draining) reply.raw.setHeader('connection', 'close');
    done();
  });
}

export function registerHealth(app: FastifyInstance, health: Health): void {
  app.get('/health/live', askedByMachines, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );

  app.get('/health/ready', askedByMachines, async (_request, reply) => {
    const failures = await health.failures();
    const ready = failures.length === 0;
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(ready ? { status: 'ok' } : { status: 'unavailable', failures });
  });
}
