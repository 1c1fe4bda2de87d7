// Finds the server's key set and feed by its metadata (RFC 8414).
import { SetupError } from './failures.js';
import { getJson, isRecord, isSecureUrl } from './http.js';

export interface ServerMetadata {
  jwksUri: string;
  revocationsEndpoint: string;
}

const MAX_METADATA_BYTES = 256 * 1024;
/** Of somebody else's text in an error message. */
const MAX_SHOWN_CHARACTERS = 200;

/** Reads the metadata once, and again when told that it may have changed; concurrent callers share one request. */
export class Discovery {
  #reading: Promise<ServerMetadata> | undefined;
  #known: ServerMetadata | undefined;

  constructor(
    private readonly issuer: string,
    private readonly fetch: typeof globalThis.fetch,
  ) {}

  /** With the metadata out of reach, what it said the last time. */
  async metadata(): Promise<ServerMetadata> {
    this.#reading ??= this.#read();
    try {
      this.#known = await this.#reading;
    } catch (error) {
      this.readAgain();
      if (!this.#known) throw error;
    }
    return this.#known;
  }

  /** After a failure of what the metadata names: it may have moved. */
  readAgain(): void {
    this.#reading = undefined;
  }

  async #read(): Promise<ServerMetadata> {
    const url = metadataUrl(this.issuer);
    const { status, body } = await getJson(url, { fetch: this.fetch, maxBytes: MAX_METADATA_BYTES });
    if (status === 404) {
      throw new SetupError(
        'issuer',
        `${url} answered 404: "${this.issuer}" is not the issuer of a keyturn server`,
      );
    }
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    return readMetadata(body, this.issuer);
  }
}

/** RFC 8414 §3.1: the well-known part goes between the host and the issuer's path. */
function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`;
}

function readMetadata(body: unknown, issuer: string): ServerMetadata {
  if (!isRecord(body)) throw new Error(`The metadata of ${issuer} is not a JSON object`);
  // RFC 8414 §3.3: the issuer must be identical, or the metadata is not to be used.
  if (body.issuer !== issuer) throw new SetupError('issuer', issuerMismatch(issuer, body.issuer));
  const fallback = `${issuer.replace(/\/$/, '')}/revocations`;
  return {
    jwksUri: readUrl(body, 'jwks_uri'),
    revocationsEndpoint: readUrl({ revocations_endpoint: fallback, ...body }, 'revocations_endpoint'),
  };
}

function issuerMismatch(expected: string, found: unknown): string {
  const expectation = `The verifier expects the issuer "${expected}"`;
  if (typeof found !== 'string') return `${expectation}, and the metadata there names none`;
  const shown = found.slice(0, MAX_SHOWN_CHARACTERS);
  return `${expectation}, but the server calls itself "${shown}": the two must be equal, character by character`;
}

function readUrl(body: Record<string, unknown>, member: string): string {
  const url = body[member];
  if (typeof url !== 'string' || !isSecureUrl(url)) throw new Error(`The metadata has no usable ${member}`);
  return url;
}
