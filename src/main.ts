/** The process: loads the settings, starts, closes on signals. */
import { pino } from 'pino';
import { ConfigError, loadConfig } from './config.js';
import { createLogger } from './logger.js';
import { buildServer } from './server.js';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLogger(config.logLevel, pino.destination({ dest: 1, sync: false }));
  const server = await buildServer(config, log);
  await server.app.listen({ port: config.port, host: config.host });
  let closing = false;
  const stop = (signal: NodeJS.Signals) => {
    if (closing) return;
    closing = true;
    log.info({ signal }, 'closing');
    const forced = setTimeout(() => process.exit(1), config.shutdownGraceSeconds * 1000);
    forced.unref();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'not closed in order');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  const message = error instanceof ConfigError ? error.message : String((error as Error)?.stack ?? error);
  process.stderr.write(`keyturn: ${message}\n`);
  process.exit(1);
});
