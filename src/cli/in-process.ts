/** Operations run in this process, on storage that it opened itself. */
import { pino } from 'pino';
import { Blocklist } from '../blocklist/blocklist.js';
import { systemClock } from '../clock.js';
import { composeAdmin, passwordHasher } from '../compose-admin.js';
import type { Config } from '../config.js';
import { createLogger } from '../logger.js';
import type { JsonObject } from '../oauth/claims.js';
import { systemRandomBytes } from '../secrets.js';
import { openStorage } from '../storage/open.js';
import { whenReady } from '../storage/redis/connection.js';
import type { Transport } from './transport.js';

/** Throws what opening the storage throws. */
export async function openInProcess(config: Config): Promise<Transport> {
  const surroundings = { config, clock: systemClock, randomBytes: systemRandomBytes };
  const log = createLogger('warn', pino.destination({ dest: 2, sync: true }));
  const storage = await openStorage({ ...surroundings, log, databaseMayBeAway: true });
  if (storage.redis) await whenReady(storage.redis);
  const context = composeAdmin({
    ...surroundings,
    storage,
    blocklist: new Blocklist(storage.revocations, storage.revocationView),
    passwords: passwordHasher(config),
    clientsChanged: () => undefined,
    keysChanged: async () => undefined,
  });
  return {
    run: async (operation, input) => {
      const result = await operation.run(context, input, 'cli');
      const wire: JsonObject = JSON.parse(JSON.stringify(result));
      return wire;
    },
    close: () => storage.close(),
  };
}
