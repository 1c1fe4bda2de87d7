/** One verifier's stream of the feed (text/event-stream, WHATWG HTML §9.2): what it has missed first, then what comes. */
import { Readable } from 'node:stream';
import type { RevocationFeed } from '../revocation/feed.js';
import type { FeedEntry } from '../revocation/feed-entry.js';

/** With more than this unread, nothing more is pushed until the reader takes some of it. */
const maxUnreadBytes = 64 * 1024;
/** Of what it has missed, this much at a time. */
const chunkEntries = 200;
/** A reader that does not catch up in this time is cut off: it comes back with its cursor. */
const catchUpMilliseconds = 60_000;

export class FeedStream extends Readable {
  readonly #feed: RevocationFeed;
  #cursor: string;
  /** Runs while the reader lacks something. */
  #patience: NodeJS.Timeout | undefined;

  constructor(feed: RevocationFeed, cursor: string) {
    super();
    this.#feed = feed;
    this.#cursor = cursor;
    this.#fallBehind();
  }

  /** Called whenever the reader takes more. */
  override _read(): void {
    this.#pushMissed();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#patience);
    this.#feed.leave(this);
    callback(error);
  }

  wake(isBeat: boolean): void {
    if (this.readableLength > maxUnreadBytes) this.#fallBehind();
    else this.#pushMissed();
    if (isBeat) this.#pushHeartbeat();
  }

  end(): void {
    this.#feed.leave(this);
    this.push(null);
  }

  #pushMissed(): void {
    let takesMore = true;
    while (takesMore) {
      const { entries, cursor, more } = this.#feed.after(this.#cursor, chunkEntries);
      this.#cursor = cursor;
      if (entries.length > 0) takesMore = this.push(eventsOf(entries));
      if (!more) {
        this.#catchUp();
        return;
      }
    }
    this.#fallBehind();
  }

  /** Only for a reader that has everything. */
  #pushHeartbeat(): void {
    if (!this.#patience && this.#cursor === this.#feed.current()) this.push(heartbeat(this.#cursor));
  }

  /** From now on not woken: the reader takes what it lacks at its own pace. */
  #fallBehind(): void {
    this.#feed.leave(this);
    this.#patience ??= setTimeout(() => this.destroy(), catchUpMilliseconds).unref();
  }

  #catchUp(): void {
    if (!this.#patience) return;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#pushHeartbeat();
    // Last, for a feed that has closed ends the stream here.
    this.#feed.join(this);
  }
}

let lastEvents: { entries: readonly FeedEntry[]; events: Buffer } = { entries: [], events: Buffer.alloc(0) };

/** Encoded once, however many streams take the same. */
function eventsOf(entries: readonly FeedEntry[]): Buffer {
  if (!isSame(entries, lastEvents.entries))
    lastEvents = { entries, events: Buffer.from(entries.map(revocationEvent).join('')) };
  return lastEvents.events;
}

/** Of entries of one log, the first and the last tell. */
function isSame(some: readonly FeedEntry[], others: readonly FeedEntry[]): boolean {
  return some.length === others.length && some[0] === others[0] && some.at(-1) === others.at(-1);
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
