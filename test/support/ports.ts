import { connect, createServer } from 'node:net';

// Below the ports that systems give to outgoing connections. Each process has some of its own: what it was given nobody takes
// before it listens, nor while a server of its is away.
const firstPort = 11_000;
const processes = 500;
const portsOfProcess = 40;
let given = 0;
let own: Promise<number> | undefined;

/** A free port that this process has not given lately: for whoever must know it before listening. */
export async function freePort(): Promise<number> {
  own ??= claimPorts();
  const claim = await own;
  for (let attempt = 1; attempt < portsOfProcess; attempt += 1) {
    const port = claim + 1 + (given % (portsOfProcess - 1));
    given += 1;
    if (await canListen(port)) return port;
  }
  throw new Error(`process ${process.pid} has no free port`);
}

/** Listening on the first of its ports, for as long as it runs, a process tells others that these are taken. */
async function claimPorts(): Promise<number> {
  for (let index = 0; index < processes; index += 1) {
    const port = firstPort + ((process.pid + index) % processes) * portsOfProcess;
    if (await holds(port)) return port;
  }
  throw new Error('all ports are claimed');
}

function holds(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true)).unref();
  });
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
