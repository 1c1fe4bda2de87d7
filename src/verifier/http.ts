// Requests to the server: https, no redirects, a deadline, a size limit, JSON only.
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

/** Gets a JSON document. Throws when there is no answer in time, a redirect, too large a body, or one that is no JSON. */
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
  const response = await beforeAbort(options.fetch(url, { headers, signal, redirect: 'error' }), signal);
  const { status } = response;
  if (status !== 200) await response.body?.cancel();
  const body: unknown =
    status === 200 ? JSON.parse(await readText(response, signal, options.maxBytes)) : undefined;
  return { status, headers: response.headers, body };
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
