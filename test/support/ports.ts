import { connect, createServer } from 'node:net';

// Below the ports that systems give to outgoing connections. Each process has some of its own, by its id: what it was given
// nobody takes before it listens, nor while a server of its is away.
const firstPort = 11_000;
const processes = 500;
const portsOfProcess = 40;
let given = 0;

/** A free port that this process has not given lately: for whoever must know it before listening. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < portsOfProcess; attempt += 1) {
    const port = firstPort + (process.pid % processes) * portsOfProcess + (given % portsOfProcess);
    given += 1;
    if (await canListen(port)) return port;
  }
  throw new Error(`process ${process.pid} has no free port`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether somebody listens on the port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
