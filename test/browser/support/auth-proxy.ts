// Stands between the browser and the token server: records what passes, and breaks it on demand.
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Exchange {
  method: string;
  path: string;
  origin: string | undefined;
  cookie: string | undefined;
  status: number;
  setCookie: string[];
  /** Of the answer. */
  headers: IncomingHttpHeaders;
  body: string;
}

/** Tampers with one exchange: `drop` the answer after the server gave it, `hang` after it, or answer in its place. */
export type Fault = 'drop' | 'hang' | { status: number; body: string; headers?: Record<string, string> };

interface PlannedFault {
  path: string;
  fault: Fault;
}

export class AuthProxy {
  /** Of the token server, on the loopback address. */
  targetPort = 0;
  readonly exchanges: Exchange[] = [];
  /** Requests that the server took and never answered. */
  unanswered = 0;
  /** Called when a request has gone to the server, before its answer. */
  onForward: (path: string) => void = () => {};
  readonly #faults: PlannedFault[] = [];

  failNext(path: string, fault: Fault): void {
    this.#faults.push({ path, fault });
  }

  to(path: string): Exchange[] {
    return this.exchanges.filter((exchange) => exchange.path === path && exchange.method === 'POST');
  }

  readonly handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const path = incoming.url ?? '/';
    const fault = incoming.method === 'POST' ? this.#take(path) : undefined;
    if (typeof fault === 'object') {
      outgoing.writeHead(fault.status, { ...allow(incoming), ...fault.headers }).end(fault.body);
      return;
    }
    this.#forward(incoming, outgoing, fault);
  };

  #take(path: string): Fault | undefined {
    const index = this.#faults.findIndex((planned) => planned.path === path);
    return index < 0 ? undefined : this.#faults.splice(index, 1)[0]?.fault;
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse, fault: 'drop' | 'hang' | undefined): void {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const options = { port: this.targetPort, host: '127.0.0.1', method, path, headers };
    const upstream = request(options, async (answer) => {
      const body = await text(answer);
      const setCookie = answer.headers['set-cookie'] ?? [];
      const status = answer.statusCode ?? 0;
      const { origin, cookie } = headers;
      this.exchanges.push({ method, path, origin, cookie, status, setCookie, headers: answer.headers, body });
      if (fault === 'hang') return;
      if (fault === 'drop') outgoing.destroy();
      else outgoing.writeHead(status, answer.headers).end(body);
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') this.unanswered += 1;
      outgoing.destroy();
    });
    upstream.on('finish', () => this.onForward(path));
    incoming.pipe(upstream);
  }
}

function allow({ headers }: IncomingMessage): Record<string, string> {
  return { 'Access-Control-Allow-Origin': headers.origin ?? '', 'Access-Control-Allow-Credentials': 'true' };
}
