/** The process: loads the settings, starts, closes on signals. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Config, loadConfig } from './config.js';
import { readEnvironment } from './environment.js';
import { bulkOutput, createLogger } from './logger.js';
import { errorMessage } from './oauth/error-message.js';
import { buildServer, type Server } from './server.js';

async function main(): Promise<void> {
  const config = loadConfig(readEnvironment(process.env));
  const log = createLogger(config.logLevel, bulkOutput());
  // Node would print whatever hangs on the error: a library's may hold commands, and tokens in them.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'crashed');
    process.exit(1);
  });
  const server = await buildServer(config, log);
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    // A second signal must not cut off what the first lets finish; the grace period is what bounds it.
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'closing');
    void close(server, config, log).then((code) => process.exit(code));
  };
  // Before anybody can see that it runs, and stop it.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await server.listen();
  try {
    process.stdout.write((await server.demoOnFirstStart()) ?? '');
  } catch (error) {
    // Told to stop in that moment: then the storage was closed under it, and closing goes on.
    if (!stopping) throw error;
  }
}

/** Leaves nothing half done that can be finished in time. Answers the exit code. */
async function close(server: Server, config: Config, log: Logger): Promise<number> {
  try {
    server.drain();
    await sleep(config.shutdownDrainSeconds * 1000);
    const cutOff = setTimeout(() => cutOffConnections(server, log), config.shutdownGraceSeconds * 1000);
    await server.close();
    clearTimeout(cutOff);
    return 0;
  } catch (error) {
    log.error({ err: error }, 'not closed in order');
    return 1;
  }
}

const lastResortMilliseconds = 3_000;

/** The requests' time is over; the storage is still closed in order, if it lets itself be closed. */
function cutOffConnections(server: Server, log: Logger): void {
  log.warn({}, 'connections cut off: the grace period is over');
  server.app.server.closeAllConnections();
  setTimeout(() => process.exit(1), lastResortMilliseconds).unref();
}

main().catch((error: unknown) => {
  process.stderr.write(`keyturn: ${errorMessage(error)}\n`);
  process.exit(1);
});
