// The two requests to the feed: a page of entries, and the live stream.
import type { Discovery } from '../discovery.js';
import { SetupError } from '../failures.js';
import { getJson, send } from '../http.js';
import { readChunks } from '../watchdog.js';
import { type FeedPage, readPage } from './entry.js';
import { readEvents, type ServerSentEvent } from './event-stream.js';

const MAX_PAGE_BYTES = 16 * 1024 * 1024;

export interface FeedCredentials {
  clientId: string;
  clientSecret: string;
}

/** `unchanged`: nothing new after the cursor. `refused`: the server takes no such cursor. */
export type PageAnswer = FeedPage | 'unchanged' | 'refused';

export class FeedClient {
  readonly #clientId: string;
  readonly #authorization: string;
  /** The validator of the last answer, and the URL it belongs to. */
  #validator: { url: string; etag: string } | undefined;

  constructor(
    private readonly discovery: Discovery,
    private readonly fetch: typeof globalThis.fetch,
    { clientId, clientSecret }: FeedCredentials,
  ) {
    this.#clientId = clientId;
    // RFC 6749 §2.3.1: both are form-encoded before they are joined.
    const credentials = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
    this.#authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  async page(after: string | undefined, signal: AbortSignal): Promise<PageAnswer> {
    const url = await this.#url(after);
    const headers: Record<string, string> = { authorization: this.#authorization };
    if (this.#validator?.url === url) headers['if-none-match'] = this.#validator.etag;
    const answer = await getJson(url, { fetch: this.fetch, headers, signal, maxBytes: MAX_PAGE_BYTES });
    if (answer.status === 304 && headers['if-none-match'] !== undefined) return 'unchanged';
    if (answer.status === 400 && after !== undefined) return 'refused';
    if (answer.status !== 200) throw this.#refusal(url, answer.status);
    const page = readPage(answer.body);
    const etag = answer.headers.get('etag');
    // The answer to this very URL stays the same only while it holds nothing new.
    this.#validator = etag !== null && page.cursor === after ? { url, etag } : undefined;
    return page;
  }

  /** The events after the cursor, live. `signal` also bounds the wait for the first byte. */
  async stream(after: string, signal: AbortSignal): Promise<AsyncIterable<ServerSentEvent>> {
    const headers = {
      authorization: this.#authorization,
      accept: 'text/event-stream',
      'last-event-id': after,
    };
    const url = await this.#url();
    const response = await send(url, { fetch: this.fetch, headers, signal });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (response.status === 200 && isStream && response.body)
      return readEvents(readChunks(response.body, signal));
    await response.body?.cancel();
    if (response.status !== 200) throw this.#refusal(url, response.status);
    throw new Error(`${url} answered without an event stream`);
  }

  /** What to change, where the status says that trying again does not help. */
  #refusal(url: string, status: number): Error {
    const answered = `The feed answered ${status}`;
    const client = `the client "${this.#clientId}"`;
    if (status === 401) {
      return new SetupError('client', `${answered}: the server does not accept ${client} with this secret`);
    }
    if (status === 403) {
      return new SetupError('client', `${answered}: ${client} needs the scope revocations:read`);
    }
    if (status === 404) return new SetupError('feed', `${answered}: ${url} is not a revocation feed`);
    return new Error(answered);
  }

  async #url(after?: string): Promise<string> {
    const { revocationsEndpoint } = await this.discovery.metadata();
    const url = new URL(revocationsEndpoint);
    if (after !== undefined) url.searchParams.set('after', after);
    return url.href;
  }
}

function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1);
}
