import type { Redis } from 'ioredis';
import type { StorageStatus } from '../admin/context.js';
import type { Clock } from '../clock.js';
import { type Database, statement } from './postgres/database.js';

const look = statement<{ version: string; now: number }>(`
  SELECT current_setting('server_version') AS version,
    (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`);

/** Throws when the database does not answer. */
export async function storageStatus(
  database: Database,
  redis: Redis | undefined,
  clock: Clock,
): Promise<StorageStatus> {
  const pendingMigrations = await database.pendingMigrations();
  const askedAt = clock();
  const [row] = await database.run(look, []);
  const answeredAt = clock();
  const clockDifferenceMilliseconds = Math.round((row?.now ?? 0) - (askedAt + answeredAt) / 2);
  return {
    database: {
      kind: database.kind,
      version: row?.version ?? '',
      pendingMigrations,
      clockDifferenceMilliseconds,
    },
    redis: redis ? await redisStatus(redis) : 'absent',
  };
}

async function redisStatus(redis: Redis): Promise<'reachable' | 'unreachable'> {
  try {
    await redis.ping();
    return 'reachable';
  } catch {
    return 'unreachable';
  }
}
