// One request to the token server: form in, JSON out, and every way it can fail as an AuthError.
import { AuthError } from './errors.js';

const REQUEST_TIMEOUT_MS = 8_000;

type Json = Record<string, unknown>;

/**
 * Posts a form with the cookie. `keepalive` lets the answer's cookie be stored although the page is gone.
 * @throws AuthError, `temporary` for a lost network, a time-out and any answer that is not the server's own
 */
export async function post(url: string, form: Record<string, string>): Promise<Json> {
  const { response, body } = await send(url, form);
  if (response.ok) return body;
  throw refusal(response, body);
}

async function send(url: string, form: Record<string, string>): Promise<{ response: Response; body: Json }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Keyturn-Request': '1' },
      body: new URLSearchParams(form),
      credentials: 'include',
      cache: 'no-store',
      redirect: 'error',
      keepalive: true,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    return { response, body: parse(await response.text()) };
  } catch (cause) {
    throw new AuthError('temporarily_unavailable', { description: 'The server did not answer', cause });
  }
}

function parse(body: string): Json {
  const value: unknown = body === '' ? {} : JSON.parse(body);
  return { ...(typeof value === 'object' && value) };
}

function refusal(response: Response, body: Json): AuthError {
  const error = text(body.error);
  // Not the token server's shape: a proxy's or a portal's word, which ends no session.
  if (!error) return new AuthError('temporarily_unavailable');
  return new AuthError(error, {
    description: text(body.error_description),
    reason: text(body.reason),
    status: response.status,
    retryAfterSeconds: Number(response.headers.get('Retry-After')) || undefined,
  });
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
