// A plain reader of text/event-stream that keeps what it read.

export interface EventRecord {
  event: string;
  id: string;
  data: Record<string, unknown>;
}

export class EventReader {
  readonly events: EventRecord[] = [];
  readonly #controller = new AbortController();
  isOver = false;

  private constructor(readonly response: Response) {
    this.#read().finally(() => {
      this.isOver = true;
    });
  }

  static async open(url: string, headers: Record<string, string>): Promise<EventReader> {
    return new EventReader(await fetch(url, { headers }));
  }

  get revocations(): EventRecord[] {
    return this.events.filter(({ event }) => event === 'revocation');
  }

  get heartbeats(): EventRecord[] {
    return this.events.filter(({ event }) => event === 'heartbeat');
  }

  close(): void {
    this.#controller.abort();
    this.#reader?.cancel().catch(() => undefined);
  }

  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  async #read(): Promise<void> {
    this.#reader = this.response.body?.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const next = await this.#reader?.read().catch(() => undefined);
      if (!next || next.done) return;
      const blocks = (rest + decoder.decode(next.value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.events.push(parseEvent(block));
    }
  }
}

function parseEvent(block: string): EventRecord {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  return { event: fields.event ?? '', id: fields.id ?? '', data: JSON.parse(fields.data ?? '{}') };
}
