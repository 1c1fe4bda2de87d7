/** One verifier's stream of the feed (text/event-stream, WHATWG HTML §9.2): what it has missed first, then what comes. */
import { Readable } from 'node:stream';
import type { RevocationFeed } from '../revocation/feed.js';
import type { FeedEntry } from '../revocation/feed-entry.js';

/** With more than this unread, a reader is told nothing as it comes any more, but in its own time. */
const maxUnreadBytes = 64 * 1024;
/** Of what it has missed, this much at a time. */
const chunkEntries = 200;
/** A reader that does not catch up in this time is cut off: it comes back with its cursor. */
const catchUpMilliseconds = 60_000;

export class FeedStream extends Readable {
  readonly #feed: RevocationFeed;
  #cursor: string;
  #isLive = false;
  #patience: NodeJS.Timeout;

  constructor(feed: RevocationFeed, cursor: string) {
    super();
    this.#feed = feed;
    this.#cursor = cursor;
    this.#patience = this.#startPatience();
  }

  /** Called whenever the reader takes more. */
  override _read(): void {
    while (!this.#isLive && this.#pushMissed());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#patience);
    this.#feed.leave(this);
    callback(error);
  }

  entries(entries: readonly FeedEntry[]): void {
    const isTooMuch = entries.length > chunkEntries || this.readableLength > maxUnreadBytes;
    if (isTooMuch) this.#fallBehind();
    else this.#pushLive(entries);
  }

  current(cursor: string): void {
    if (this.readableLength <= maxUnreadBytes) this.push(heartbeat(cursor));
  }

  end(): void {
    this.#feed.leave(this);
    this.#isLive = true;
    this.push(null);
  }

  /** Pushes some of what was missed, and joins the live ones after the last of it. Tells whether the reader takes more. */
  #pushMissed(): boolean {
    const { entries, cursor, more } = this.#feed.after(this.#cursor, chunkEntries);
    this.#cursor = cursor;
    const takesMore = entries.length === 0 || this.push(eventsOf(entries));
    if (!more) this.#join();
    return takesMore && more;
  }

  #join(): void {
    clearTimeout(this.#patience);
    this.#isLive = true;
    this.#feed.join(this);
  }

  #pushLive(entries: readonly FeedEntry[]): void {
    this.#cursor = entries.at(-1)?.cursor ?? this.#cursor;
    this.push(eventsOf(entries));
  }

  #fallBehind(): void {
    this.#feed.leave(this);
    this.#isLive = false;
    this.#patience = this.#startPatience();
    this._read();
  }

  #startPatience(): NodeJS.Timeout {
    return setTimeout(() => this.destroy(), catchUpMilliseconds).unref();
  }
}

const encoded = new WeakMap<readonly FeedEntry[], Buffer>();

/** Encoded once, however many streams it goes to. */
function eventsOf(entries: readonly FeedEntry[]): Buffer {
  const known = encoded.get(entries);
  if (known) return known;
  const events = Buffer.from(entries.map(revocationEvent).join(''));
  encoded.set(entries, events);
  return events;
}

function revocationEvent({ cursor, json }: FeedEntry): string {
  return `id: ${cursor}\nevent: revocation\ndata: ${json}\n\n`;
}

let lastHeartbeat = { cursor: '', event: Buffer.alloc(0) };

function heartbeat(cursor: string): Buffer {
  if (lastHeartbeat.cursor !== cursor) {
    const event = Buffer.from(`id: ${cursor}\nevent: heartbeat\ndata: ${JSON.stringify({ cursor })}\n\n`);
    lastHeartbeat = { cursor, event };
  }
  return lastHeartbeat.event;
}
