/** The server's endpoints as a client calls them. */
import { stalledSince } from './stalls.js';

export type Form = Record<string, string | undefined>;
export type Headers = Record<string, string>;

/** Whatever the server answers; which members are there is what the tests find out. */
export interface AnswerBody {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
  refresh_token: string;
  error: string;
  error_description: string;
  reason: string;
  active: boolean;
  [name: string]: unknown;
}

export interface Answer {
  status: number;
  headers: globalThis.Headers;
  text: string;
  body: AnswerBody;
}

/** `application/x-www-form-urlencoded`, without the undefined members. */
export function formBody(form: Form): string {
  const pairs = Object.entries(form).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(pairs).toString();
}

/** RFC 6749 §2.3.1: both halves form-encoded, then RFC 7617. */
export function basic(id: string, secret: string): Headers {
  const encode = (value: string) => new URLSearchParams([['', value]]).toString().slice(1);
  return { authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}` };
}

const attempts = 3;

export class HttpClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** What is 503 because everything here stood still is asked again, as a client should. */
  async send(path: string, init: RequestInit = {}): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const askedAt = performance.now();
      const answer = await this.#ask(path, init);
      if (answer.status !== 503 || attempt === attempts || !stalledSince(askedAt)) return answer;
    }
  }

  async #ask(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    const body: AnswerBody = isJson ? JSON.parse(text) : {};
    return { status: response.status, headers: response.headers, text, body };
  }

  /** Sends a form, or a body as it is. */
  post(path: string, form: Form | string, headers: Headers = {}): Promise<Answer> {
    const type = 'application/x-www-form-urlencoded';
    const body = typeof form === 'string' ? form : formBody(form);
    return this.send(path, { method: 'POST', body, headers: { 'content-type': type, ...headers } });
  }

  get(path: string, headers: Headers = {}): Promise<Answer> {
    return this.send(path, { headers });
  }

  token(form: Form | string, headers?: Headers): Promise<Answer> {
    return this.post('/token', form, headers);
  }

  /** The refresh grant, by a public client unless `headers` authenticate another. */
  refresh(refreshToken: string, form: Form = {}, headers?: Headers): Promise<Answer> {
    return this.token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...form }, headers);
  }

  revoke(token: string, form: Form = {}, headers?: Headers): Promise<Answer> {
    return this.post('/revoke', { token, ...form }, headers);
  }

  introspect(token: string, headers?: Headers): Promise<Answer> {
    return this.post('/introspect', { token }, headers);
  }
}
