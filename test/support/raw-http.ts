/** Bytes on a socket, for what no HTTP client would send. */
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
  /** Whether the server closed the connection. */
  closed: boolean;
  seconds: number;
}

export interface RawOptions {
  /** How long to wait for the server to close. Default: longer than any machine stalls. */
  waitMilliseconds?: number;
}

/** Sends the bytes as they are, and answers what came back until the server closed or the wait was over. */
export function sendRaw(
  url: string,
  bytes: string | Buffer,
  { waitMilliseconds = 30_000 }: RawOptions = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const startedAt = Date.now();
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...parse(Buffer.concat(received)), closed, seconds: (Date.now() - startedAt) / 1000 });
    };
    const timer = setTimeout(() => finish(false), waitMilliseconds);
    socket.on('data', (chunk) => received.push(chunk));
    socket.once('error', () => undefined);
    socket.once('close', () => finish(true));
  });
}

function parse(bytes: Buffer): Pick<RawAnswer, 'status' | 'headers' | 'body'> {
  const [head = '', body = ''] = bytes.toString('latin1').split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers: new Map(fields), body };
}

/** A request whose body never comes. The caller destroys the socket. */
export function openHalfRequest(url: string): Socket {
  const { hostname, port } = new URL(url);
  const head = 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded';
  const socket = connect(Number(port), hostname, () =>
    socket.write(`${head}\r\nContent-Length: 9\r\n\r\na=`),
  );
  return socket.on('error', () => undefined);
}
