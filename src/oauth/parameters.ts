/** The parameters of a form-encoded request: RFC 6749 §3.2 and appendix B. */
import { OAuthError } from './errors.js';

/** More than any request of this server needs, and few enough that parsing is never a lever. */
const maximumParameters = 32;

function malformed(description: string): OAuthError {
  return new OAuthError('invalid_request', { description });
}

const escaped = /[%+]/;

/** A form-encoded name or value; undefined for a malformed escape, broken UTF-8, and NUL: PostgreSQL text cannot hold it. */
export function formDecoded(component: string): string | undefined {
  try {
    const decoded = escaped.test(component) ? decodeURIComponent(component.replaceAll('+', ' ')) : component;
    return decoded.includes('\0') ? undefined : decoded;
  } catch {
    return undefined;
  }
}

function decode(component: string): string {
  const decoded = formDecoded(component);
  if (decoded === undefined) throw malformed('A parameter is not properly form-encoded');
  return decoded;
}

export class Parameters {
  readonly #values: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /** Parses a form body. Throws `invalid_request` for repeats, bad escapes, and too many parameters. */
  static parse(body: string): Parameters {
    const values = new Map<string, string>();
    const pairs = body === '' ? [] : body.split('&');
    if (pairs.length > maximumParameters) throw malformed('Too many parameters');
    for (const pair of pairs) {
      if (pair === '') continue;
      const separator = pair.indexOf('=');
      const name = decode(separator < 0 ? pair : pair.slice(0, separator));
      // RFC 6749 §3.2: parameters MUST NOT be included more than once.
      if (values.has(name)) throw malformed('A parameter is included more than once');
      values.set(name, separator < 0 ? '' : decode(pair.slice(separator + 1)));
    }
    return new Parameters(values);
  }

  /** The same parameters, with one more. Throws `invalid_request` when it is there with another value. */
  with(name: string, value: string): Parameters {
    const present = this.optional(name);
    if (present !== undefined && present !== value) throw malformed(`Unexpected value of parameter: ${name}`);
    return new Parameters(new Map([...this.#values, [name, value]]));
  }

  /** RFC 6749 §3.2: parameters sent without a value MUST be treated as if they were omitted. */
  optional(name: string): string | undefined {
    return this.#values.get(name) || undefined;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw malformed(`Missing parameter: ${name}`);
    return value;
  }
}
