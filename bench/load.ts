/** A load generator that costs little: raw keep-alive connections, each sending its next request when the last is answered. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpRequest {
  method: 'GET' | 'POST';
  path: string;
  /** Form-encoded. */
  body?: string;
  authorization?: string;
}

export interface HttpAnswer {
  status: number;
  body: string;
}

/** One client of many: says what it sends next, and is told the answer. */
export interface Worker {
  next(): HttpRequest;
  answered(answer: HttpAnswer): void;
}

/** One keep-alive connection. */
export class Connection {
  readonly #socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    this.#socket.write(serialize(request));
    for (;;) {
      const [chunk] = await once(this.#socket, 'data');
      this.#received += chunk;
      const answer = parse(this.#received);
      if (!answer) continue;
      this.#received = '';
      return answer;
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

function serialize({ method, path, body = '', authorization }: HttpRequest): string {
  const form =
    body && `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n`;
  const credentials = authorization ? `Authorization: ${authorization}\r\n` : '';
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${credentials}${form}\r\n${body}`;
}

function parse(received: string): HttpAnswer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(received.slice(0, end))?.[1] ?? 0);
  const body = received.slice(end + 4);
  return body.length < length ? undefined : { status: Number(received.slice(9, 12)), body };
}

/** Requests answered per second by a server on `port`, over `milliseconds`. Throws when an answer is not 200. */
export async function measureRate(
  port: number,
  workers: readonly Worker[],
  milliseconds: number,
): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + milliseconds;
  const counts = await Promise.all(workers.map((worker) => run(port, worker, endsAt)));
  const answered = counts.reduce((sum, count) => sum + count, 0);
  return answered / ((performance.now() - startedAt) / 1000);
}

async function run(port: number, worker: Worker, endsAt: number): Promise<number> {
  const connection = await Connection.open(port);
  let count = 0;
  while (performance.now() < endsAt) {
    const answer = await connection.send(worker.next());
    if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
    worker.answered(answer);
    count += 1;
  }
  connection.close();
  return count;
}
