/**
 * The admin operations on a Unix socket in DATA_DIR, for the command line while this process has the embedded database open.
 * No token: whoever can open the socket can read the database, too.
 */
import { chmod, rm } from 'node:fs/promises';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { AdminContext } from '../admin/context.js';
import { operations } from '../admin/operations.js';
import { adminSocketPath } from '../admin/socket-path.js';
import { mount } from './admin.js';
import { pathMemberLimit } from './create-app.js';
import { registerErrors } from './errors.js';
import { logRequests } from './request-log.js';

export class AdminSocket {
  readonly #app: FastifyInstance;
  readonly #path: string;

  constructor(context: AdminContext, dataDirectory: string, log: FastifyBaseLogger) {
    this.#path = adminSocketPath(dataDirectory);
    this.#app = fastify({
      loggerInstance: log,
      logController: new LogController({ disableRequestLogging: true }),
      childLoggerFactory: (logger) => logger,
      routerOptions: { maxParamLength: pathMemberLimit },
    });
    registerErrors(this.#app);
    logRequests(this.#app);
    this.#app.register(async (admin) => mount(admin, operations, context, async () => 'cli'), {
      prefix: '/admin',
    });
  }

  /** The caller holds the lock on the directory: a socket that is there was left behind by a process that died. */
  async listen(): Promise<void> {
    await rm(this.#path, { force: true });
    await this.#app.listen({ path: this.#path });
    await chmod(this.#path, 0o600);
  }

  close(): Promise<void> {
    return this.#app.close();
  }
}
