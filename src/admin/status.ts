/** How the server's storage is. */
import Type from 'typebox';
import { operation } from './operation.js';

const show = operation({
  name: 'status.show',
  method: 'GET',
  path: '/status',
  summary: 'Show how the storage is: version, migrations, clock, Redis',
  input: Type.Object({}, { additionalProperties: false }),
  run: async (context) => {
    const { database, redis } = await context.status();
    const { kind, version, pendingMigrations, clockDifferenceMilliseconds } = database;
    return {
      database: {
        kind,
        version,
        pending_migrations: pendingMigrations,
        clock_difference_ms: clockDifferenceMilliseconds,
      },
      redis,
    };
  },
});

export const statusOperations = [show];
