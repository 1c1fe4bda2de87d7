/** The storages that every behaviour suite runs on. */
import { needs } from './services.js';

export interface Backend {
  name: string;
  /** For `startServer`. */
  storage: { database: 'embedded' | 'postgres'; redis: boolean };
  /** For `t.test`: skips where the machine lacks what this backend needs. */
  options: { skip?: string };
}

export const embedded: Backend = {
  name: 'embedded database',
  storage: { database: 'embedded', redis: false },
  options: {},
};

export function postgresAndRedis(): Backend {
  return {
    name: 'PostgreSQL and Redis',
    storage: { database: 'postgres', redis: true },
    options: needs('postgres', 'redis'),
  };
}

/** `for (const backend of backends()) t.test(backend.name, backend.options, async (t) => ...)` */
export function backends(): Backend[] {
  return [embedded, postgresAndRedis()];
}
