/** How the server's storage is. */
import Type from 'typebox';
import { operation } from './operation.js';
import { texts } from './result.js';

const statusResult = Type.Object({
  database: Type.Object({
    kind: Type.Enum(['server', 'embedded']),
    version: Type.String(),
    pending_migrations: texts,
    clock_difference_ms: Type.Number({ description: "The database's clock minus the server's" }),
  }),
  redis: Type.Enum(['absent', 'reachable', 'unreachable']),
});

const show = operation({
  name: 'status.show',
  method: 'GET',
  path: '/status',
  summary: 'Show how the storage is: version, migrations, clock, Redis',
  input: Type.Object({}, { additionalProperties: false }),
  result: statusResult,
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
