/** A network path that can fall silent, with every connection staying open: what a firewall or a frozen machine does. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scope } from './services.js';

export class StallingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #stalled = false;
  #slow: { pattern: RegExp; milliseconds: number } | undefined;

  private constructor(target: URL) {
    this.#server = createServer((inward) => {
      const outward = connect(Number(target.port || 5432), target.hostname || '127.0.0.1');
      this.#join(inward, outward);
      this.#join(outward, inward);
    });
  }

  /** Answers the proxy and the URL by way of it. Closes when the test ends. */
  static async start(t: Scope, targetUrl: string): Promise<{ proxy: StallingProxy; url: string }> {
    const target = new URL(targetUrl);
    const proxy = new StallingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    t.teardown(() => proxy.#close());
    const address = proxy.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = new URL(targetUrl);
    url.host = `127.0.0.1:${address.port}`;
    return { proxy, url: url.href };
  }

  stall(): void {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Only what is open now falls silent. */
  stallExisting(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  /** What matches takes so long to get through from now on. */
  delay(pattern: RegExp, milliseconds: number): void {
    this.#slow = { pattern, milliseconds };
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  resume(): void {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', async (chunk) => {
      if (this.#slow?.pattern.test(chunk.toString('latin1'))) {
        from.pause();
        await sleep(this.#slow.milliseconds);
        from.resume();
      }
      to.write(chunk);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#stalled) from.pause();
  }

  #close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
