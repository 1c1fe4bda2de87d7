// A stand-in for the remote server: metadata, key set and feed as specified, with faults to order.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { freePort } from '../support/ports.js';

export interface FeedEntry {
  type: string;
  value: unknown;
  before?: number;
  reason: string;
  revoked_at: number;
  expires_at: unknown;
}

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export async function newSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export const AUDIENCE = 'urn:example:books';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class FakeServer {
  readonly #server = createServer((request, response) => this.#answer(request, response));
  issuer = '';
  keys: SigningKey[] = [];
  entries: FeedEntry[] = [];
  jwksCacheControl = 'public, max-age=300';
  heartbeatSeconds = 0.2;
  pageSize = 1000;
  /** Paths to the number of requests for them. */
  readonly requests = new Map<string, number>();
  /** Replaces the answer to a path, until deleted. */
  readonly faults = new Map<string, Handler>();
  lastFeedRequest: { headers: IncomingMessage['headers']; url: string } | undefined;
  readonly #streams = new Set<ServerResponse>();
  isBeating = true;

  static async start(): Promise<FakeServer> {
    const fake = new FakeServer();
    // Nobody takes it while the server is away.
    fake.issuer = `http://127.0.0.1:${await freePort()}`;
    await fake.restart();
    fake.keys = [await newSigningKey('key-1')];
    return fake;
  }

  async stop(): Promise<void> {
    this.cutStreams();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** On the same port as before. */
  async restart(): Promise<void> {
    const { port } = new URL(this.issuer);
    this.#server.listen(Number(port), '127.0.0.1');
    await once(this.#server, 'listening');
  }

  count(path: string): number {
    return this.requests.get(path) ?? 0;
  }

  get fetches(): number {
    return [...this.requests.values()].reduce((sum, count) => sum + count, 0);
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  cutStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  claims(overrides: JWTPayload = {}): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: this.issuer,
      sub: 'user-1',
      aud: AUDIENCE,
      exp: now + 900,
      iat: now,
      jti: crypto.randomUUID(),
      client_id: 'spa',
      scope: 'books:read books:write',
      sid: crypto.randomUUID(),
      ...overrides,
    };
  }

  /** An access token as the server issues it; members set to `undefined` are left out. */
  token(claims: JWTPayload = {}, header: Record<string, unknown> = {}, key = this.keys[0]): Promise<string> {
    if (!key) throw new Error('The fake server has no key');
    return new SignJWT(this.claims(claims))
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
      .sign(key.privateKey);
  }

  revoke(type: string, value: string, extra: Partial<FeedEntry> = {}): void {
    const now = Math.floor(Date.now() / 1000);
    this.entries.push({ type, value, reason: 'requested', revoked_at: now, expires_at: now + 930, ...extra });
    for (const stream of this.#streams) this.#sendEntry(stream, this.entries.length - 1);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    this.requests.set(pathname, this.count(pathname) + 1);
    const handler = this.faults.get(pathname) ?? this.#routes[pathname];
    if (handler) handler(request, response);
    else response.writeHead(404).end();
  }

  readonly #routes: Record<string, Handler> = {
    '/.well-known/oauth-authorization-server': (_request, response) =>
      json(response, {
        issuer: this.issuer,
        jwks_uri: `${this.issuer}/.well-known/jwks.json`,
        revocations_endpoint: `${this.issuer}/revocations`,
      }),
    '/.well-known/jwks.json': (_request, response) =>
      json(response, { keys: this.keys.map(({ jwk }) => jwk) }, { 'cache-control': this.jwksCacheControl }),
    '/revocations': (request, response) => this.#feed(request, response),
  };

  #feed(request: IncomingMessage, response: ServerResponse): void {
    this.lastFeedRequest = { headers: request.headers, url: request.url ?? '' };
    if (request.headers.accept === 'text/event-stream') this.#stream(request, response);
    else this.#page(request, response);
  }

  #page(request: IncomingMessage, response: ServerResponse): void {
    const after = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('after') ?? 0);
    if (!(after <= this.entries.length)) return void response.writeHead(400).end();
    const end = Math.min(after + this.pageSize, this.entries.length);
    const etag = `"${after}-${end}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    const more = end < this.entries.length;
    const page = { entries: this.entries.slice(after, end), cursor: String(end), more };
    json(response, { ...page, heartbeat_seconds: this.heartbeatSeconds }, { etag });
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    this.#streams.add(response);
    for (let i = Number(request.headers['last-event-id']); i < this.entries.length; i += 1) {
      this.#sendEntry(response, i);
    }
    const beat = () => {
      const data = JSON.stringify({ cursor: String(this.entries.length) });
      if (this.isBeating) response.write(`event: heartbeat\ndata: ${data}\n\n`);
    };
    beat();
    const beating = setInterval(beat, this.heartbeatSeconds * 1000);
    response.on('close', () => {
      clearInterval(beating);
      this.#streams.delete(response);
    });
  }

  #sendEntry(stream: ServerResponse, index: number): void {
    stream.write(`id: ${index + 1}\nevent: revocation\ndata: ${JSON.stringify(this.entries[index])}\n\n`);
  }
}

export function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
