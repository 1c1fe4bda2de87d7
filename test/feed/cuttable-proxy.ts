// A TCP proxy between a verifier and the instances: what a load balancer is, or a bad network.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export class CuttableProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#forward(socket));
  /** The instance that connections go to from now on. */
  target: string;
  /** While cut, connections are refused. */
  isCut = false;

  private constructor(target: string) {
    this.target = target;
  }

  static async start(target: string): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore(): void {
    this.isCut = false;
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }

  #forward(inner: Socket): void {
    if (this.isCut) return void inner.destroy();
    const { hostname, port } = new URL(this.target);
    const outer = connect(Number(port), hostname);
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
