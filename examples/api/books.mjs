// The books, in memory: what the API is about, and nothing of tokens.
import { randomUUID } from 'node:crypto';

export class Books {
  #books = new Map();

  list() {
    return [...this.#books.values()];
  }

  find(id) {
    return this.#books.get(id);
  }

  /** `addedBy` is the user's id. */
  add({ title, author }, addedBy) {
    const book = { id: randomUUID(), title, author, added_by: addedBy };
    this.#books.set(book.id, book);
    return book;
  }

  /** The changed book, or undefined when there is none. */
  change(id, { title, author }) {
    const book = this.#books.get(id);
    if (!book) return undefined;
    const changed = { ...book, title, author };
    this.#books.set(id, changed);
    return changed;
  }

  /** Whether there was one. */
  remove(id) {
    return this.#books.delete(id);
  }
}
