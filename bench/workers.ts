/** What the measured servers are asked, one request after the other. */
import type { HttpAnswer, HttpRequest, Worker } from './load.js';

/** The same request again and again. */
export function repeat(request: HttpRequest): Worker {
  return { next: () => request, answered: () => undefined };
}

export function times(count: number, worker: Worker): Worker[] {
  return Array.from({ length: count }, () => worker);
}

/** Each refresh presents what the one before it was given. */
export class RefreshChain implements Worker {
  #refreshToken: string;
  readonly #client: string;

  constructor(login: HttpAnswer, client: string) {
    this.#refreshToken = JSON.parse(login.body).refresh_token;
    this.#client = client;
  }

  next(): HttpRequest {
    const body = `grant_type=refresh_token&client_id=${this.#client}&refresh_token=${this.#refreshToken}`;
    return { method: 'POST', path: '/token', body };
  }

  answered({ body }: HttpAnswer): void {
    this.#refreshToken = JSON.parse(body).refresh_token;
  }
}

/** The reference's chain over a session of its own. */
export class ReferenceChain implements Worker {
  readonly #session: string;
  #generation = 0;

  constructor(login: HttpAnswer) {
    const [, claims = ''] = JSON.parse(login.body).access_token.split('.');
    this.#session = JSON.parse(Buffer.from(claims, 'base64url').toString()).sid;
  }

  next(): HttpRequest {
    return {
      method: 'POST',
      path: '/refresh',
      body: `session=${this.#session}&generation=${this.#generation}`,
    };
  }

  answered({ body }: HttpAnswer): void {
    this.#generation = JSON.parse(body).generation;
  }
}

export const jwksRequest: HttpRequest = { method: 'GET', path: '/.well-known/jwks.json' };

export function clientCredentialsRequest({ id, secret }: { id: string; secret: string }): HttpRequest {
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  return { method: 'POST', path: '/token', body: 'grant_type=client_credentials', authorization };
}
