/** The WHERE of a listing: only what is asked for, so that each filter can use its index. */
export class Conditions {
  readonly values: unknown[] = [];
  readonly #conditions: string[] = [];

  /** Adds a condition, whose `?` stands for the value, unless the value is undefined. */
  when(condition: string, value: unknown): this {
    if (value !== undefined) this.#conditions.push(condition.replace('?', () => this.add(value)));
    return this;
  }

  /** Adds a condition without a value. */
  always(condition: string): this {
    this.#conditions.push(condition);
    return this;
  }

  /** Adds a value and answers its placeholder. */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  get where(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}
