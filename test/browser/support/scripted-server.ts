// A token server and resource server that answer by script, for the failures that a real one cannot be made to have.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from './listener.js';

export interface Received {
  path: string;
  form: URLSearchParams;
  headers: IncomingMessage['headers'];
}

export type Answer =
  | { status?: number; headers?: Record<string, string>; json?: object; text?: string }
  | 'hang';

export interface ScriptedServer {
  url: string;
  received: Received[];
  /** Answers for a path, in turn; the last one stays. */
  on(path: string, ...answers: Answer[]): void;
  countOf(path: string): number;
  close(): void;
}

export async function scriptedServer(): Promise<ScriptedServer> {
  const received: Received[] = [];
  const scripts = new Map<string, Answer[]>();

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/';
    const form = new URLSearchParams(await text(incoming));
    received.push({ path, form, headers: incoming.headers });
    const script = scripts.get(path) ?? [{ status: 404, json: { error: 'not_found' } }];
    const answer = (script.length > 1 ? script.shift() : script[0]) ?? 'hang';
    if (answer === 'hang') return;
    const { status = 200, headers = {}, json, text: body } = answer;
    outgoing.writeHead(status, headers).end(json ? JSON.stringify(json) : body);
  }

  const { port, close } = await listen((incoming, outgoing) => void handle(incoming, outgoing));
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    on: (path, ...answers) => void scripts.set(path, answers),
    countOf: (path) => received.filter((one) => one.path === path).length,
    close,
  };
}

let issued = 0;

/** A token response with an access token of its own. */
export function tokens(expiresIn = 900): Answer {
  issued += 1;
  return {
    json: { access_token: `token-${issued}`, token_type: 'Bearer', expires_in: expiresIn, scope: 'a' },
  };
}

export function refusal(status: number, error: string, more: object = {}): Answer {
  return { status, json: { error, ...more } };
}
