// Requests to the server: https, no redirects, a deadline, a size limit, JSON only.
import { reasonOf } from './failures.js';
import { beforeAbort, readChunks, Watchdog } from './watchdog.js';

/** How long the server may take to answer a request in full. */
const TIMEOUT_MS = 5_000;

export interface JsonAnswer {
  status: number;
  headers: Headers;
  /** Parsed where the status is 200. */
  body: unknown;
}

export interface GetOptions {
  fetch: typeof fetch;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  maxBytes: number;
}

/** Gets a JSON document. Throws when there is no answer in time, a redirect, too large a body, or one that is not JSON. */
export async function getJson(url: string, options: GetOptions): Promise<JsonAnswer> {
  const watchdog = new Watchdog(TIMEOUT_MS, `${url} did not answer in time`, options.signal);
  try {
    return await getWithin(url, options, watchdog.signal);
  } finally {
    watchdog.stop();
  }
}

async function getWithin(url: string, options: GetOptions, signal: AbortSignal): Promise<JsonAnswer> {
  const headers = { accept: 'application/json', ...options.headers };
  const response = await send(url, { ...options, headers, signal });
  const { status } = response;
  if (status !== 200) await response.body?.cancel();
  const text = status === 200 ? await readText(response, signal, options.maxBytes) : undefined;
  return { status, headers: response.headers, body: text === undefined ? undefined : parse(text, url) };
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${url} answered something other than JSON`, { cause: error });
  }
}

/** Sends a GET request. Throws an error that names the URL when there is no answer, or a redirect. */
export async function send(
  url: string,
  { fetch, headers, signal }: Required<Omit<GetOptions, 'maxBytes'>>,
): Promise<Response> {
  const sent = fetch(url, { headers, signal, redirect: 'error' }).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached: ${reasonOf(error)}`, { cause: error });
  });
  return beforeAbort(sent, signal);
}

async function readText(response: Response, signal: AbortSignal, maxBytes: number): Promise<string> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of readChunks(response.body, signal)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`${response.url} answered more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether the URL is https, or http on loopback where nobody listens in. */
export function isSecureUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
