// A reader of text/event-stream (WHATWG HTML §9.2), as far as the feed uses it.

export interface ServerSentEvent {
  event: string;
  data: string;
  /** The last `id` seen, in this event or before. */
  id: string;
}

/** A feed's event is a few hundred characters: more than this without an end is no feed. */
const MAX_EVENT_CHARACTERS = 64 * 1024;

/** The events of a body, as they arrive. Ends with the body; throws when it breaks or is not an event stream. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const assembler = new EventAssembler();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_EVENT_CHARACTERS) throw new Error('The event stream has a line that is too long');
    for (const line of lines) {
      const event = assembler.take(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (event) yield event;
    }
  }
}

class EventAssembler {
  #id = '';
  #event = '';
  #data: string[] = [];
  /** Of the lines since the last empty one: an event may also grow without end by short lines. */
  #characters = 0;

  /** Takes a line; gives the event that an empty line completes. */
  take(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#complete();
    this.#characters += line.length + 1;
    if (this.#characters > MAX_EVENT_CHARACTERS)
      throw new Error('The event stream has an event that is too long');
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
    return undefined;
  }

  #complete(): ServerSentEvent | undefined {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    this.#characters = 0;
    return isEmpty ? undefined : event;
  }
}
