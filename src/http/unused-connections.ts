/**
 * Connections that were opened and never used. A server that closes waits for them, for they may bring a request yet: browsers
 * and HTTP clients open such connections in advance, and may hold them for a minute.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** For a request that is on its way. */
const graceMilliseconds = 500;

/** When `app` closes, connections without a request are cut after a moment. */
export function dropUnusedConnections(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  app.addHook('preClose', (done) => {
    setTimeout(() => {
      for (const socket of unused) socket.destroy();
    }, graceMilliseconds).unref();
    done();
  });
}
