// A running server with a client that may read the feed, and a verifier that follows it.
import { createVerifier, type Verifier, type VerifierOptions } from '../../src/verifier/index.js';
import { basic, type Headers, type HttpClient } from '../support/http-client.js';
import { type SeededClient, seedClient } from '../support/seed.js';
import type { ServerOptions } from '../support/server.js';
import type { Scope } from '../support/services.js';
import { startWorld, type World } from '../support/world.js';
import { EventReader, type EventRecord } from './event-reader.js';

export interface Page {
  entries: {
    type: string;
    value: string;
    before?: number;
    reason: string;
    revoked_at: number;
    expires_at: number;
  }[];
  cursor: string;
  more: boolean;
  heartbeat_seconds: number;
}

export class FeedWorld {
  constructor(
    readonly t: Scope,
    readonly world: World,
    readonly reader: SeededClient,
  ) {}

  get headers(): Headers {
    return basic(this.reader.id, this.reader.secret);
  }

  /** The issuer of every instance. */
  get issuer(): string {
    return this.world.server.settings.ISSUER ?? '';
  }

  async page(query = '', at: HttpClient = this.world.server): Promise<Page> {
    const answer = await at.get(`/revocations${query}`, this.headers);
    if (answer.status !== 200) throw new Error(`the feed answered ${answer.status}: ${answer.text}`);
    return JSON.parse(answer.text);
  }

  /** Everything, page after page. */
  async all(at?: HttpClient): Promise<Page['entries']> {
    const entries: Page['entries'] = [];
    for (let page = await this.page('', at); ; page = await this.page(`?after=${page.cursor}`, at)) {
      entries.push(...page.entries);
      if (!page.more) return entries;
    }
  }

  async stream(headers: Headers = {}, at: HttpClient = this.world.server): Promise<EventReader> {
    const reader = await EventReader.open(`${at.url}/revocations`, {
      ...this.headers,
      accept: 'text/event-stream',
      ...headers,
    });
    this.t.teardown(() => reader.close());
    return reader;
  }

  /** A verifier of the server's tokens that follows the feed of one instance. */
  verifier(options: Partial<VerifierOptions> = {}, at: HttpClient = this.world.server): Verifier {
    const verifier = createVerifier({
      issuer: this.issuer,
      audience: 'urn:keyturn:api',
      revocations: {
        follow: 'stream',
        maxStalenessSeconds: 60,
        onStale: 'reject',
        clientId: this.reader.id,
        clientSecret: this.reader.secret,
      },
      // Whatever the metadata says, this instance is asked.
      fetch: (url, init) => fetch(String(url).replace(this.issuer, at.url), init),
      ...options,
    });
    this.t.teardown(() => verifier.close());
    return verifier;
  }

  /** A login's access token. */
  async accessToken(): Promise<string> {
    const { body, status, text } = await this.world.login();
    if (status !== 200) throw new Error(`login answered ${status}: ${text}`);
    return body.access_token;
  }
}

export async function startFeedWorld(t: Scope, options?: ServerOptions): Promise<FeedWorld> {
  const world = await startWorld(t, options);
  const reader = await seedClient(world.server.database, {
    type: 'confidential',
    scope: ['revocations:read'],
  });
  return new FeedWorld(t, world, reader);
}

export type { EventRecord };
