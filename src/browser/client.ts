import { exclusive } from './exclusive.js';
import { createRefresher } from './refresher.js';
import { post } from './request.js';
import { endOfSession, signedIn, signedOut } from './session-facts.js';
import { type AuthState, type Fact, shareState } from './state.js';

const PATIENCE_MS = 10_000;
const PATIENCE_WITH_VALID_TOKEN_MS = 2_000;

export interface AuthClientOptions {
  /** The token server's issuer URL. */
  issuer: string;
  clientId: string;
}

export interface Credentials {
  username: string;
  password: string;
  /** Scopes to ask for, separated by spaces. */
  scope?: string;
}

export interface AuthClient {
  /** @throws AuthError `invalid_grant`: wrong user name or password */
  login(credentials: Credentials): Promise<void>;
  /** Ends the session in every tab. @throws AuthError when the server was not reached: call it again, the session may live. */
  logout(): Promise<void>;
  /** `fetch` with the access token of the session; refreshes before expiry, and once on 401. For your resource servers only. */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** A valid access token, or undefined when nobody is signed in. @throws AuthError, `temporary` while the session may live */
  getAccessToken(): Promise<string | undefined>;
  /** Tells every change, those of other tabs too. @returns stops it */
  onChange(listener: (state: AuthState) => void): () => void;
}

/** One app's session, shared by its tabs. The access token lives in memory only. */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  const issuer = withoutTrailingSlashes(options.issuer);
  const { clientId } = options;
  // The number stands for the shape of the messages: tabs of an older deploy do not misread them.
  const name = `keyturn:1:${issuer}:${clientId}`;
  const shared = shareState(name);
  const refresher = createRefresher(shared, refresh);

  /** @returns what the server says of the session now */
  async function ask(path: string, form: Record<string, string>): Promise<Fact> {
    const sentAt = Date.now();
    return signedIn(await post(issuer + path, { ...form, client_id: clientId }), sentAt);
  }

  async function refresh(seen: Fact): Promise<void> {
    await exclusive(name, async () => {
      // Look again: another tab may have refreshed while this one waited.
      if (shared.current !== seen) return;
      const fact = await ask('/token/refresh', {}).catch(endOfSession);
      // A logout or login that came in between stands.
      if (shared.current === seen) shared.set(fact);
    });
  }

  async function login({ username, password, scope }: Credentials): Promise<void> {
    const form = { grant_type: 'password', username, password, ...(scope && { scope }) };
    await exclusive(name, async () => shared.set(await ask('/token', form)));
  }

  async function logout(): Promise<void> {
    shared.set(signedOut('logout'));
    await exclusive(name, () => post(`${issuer}/revoke`, { client_id: clientId }));
  }

  async function getAccessToken(): Promise<string | undefined> {
    const { current } = shared;
    const { state, accessToken, refreshAt = 0 } = current;
    const now = Date.now();
    if (state.status === 'signed_out' || now < refreshAt) return accessToken;
    if (state.status === 'signed_in' && now < state.expiresAt) {
      const patienceMs = Math.min(PATIENCE_WITH_VALID_TOKEN_MS, (state.expiresAt - now) / 2);
      await refresher.replace(current, patienceMs).catch(() => {});
    } else {
      await refresher.replace(current, PATIENCE_MS);
    }
    return shared.current.accessToken;
  }

  /** @returns another access token than the rejected one, if there is or can be one */
  async function replacementOf(rejected: string): Promise<string | undefined> {
    const { current } = shared;
    if (current.accessToken === rejected) await refresher.replace(current, PATIENCE_MS).catch(() => {});
    return shared.current.accessToken === rejected ? undefined : shared.current.accessToken;
  }

  async function authorizedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const accessToken = await getAccessToken();
    if (!accessToken) return fetch(request);
    const response = await fetch(authorize(request.clone(), accessToken));
    const replacement = response.status === 401 ? await replacementOf(accessToken) : undefined;
    if (!replacement) return response;
    void response.body?.cancel();
    return fetch(authorize(request, replacement));
  }

  return { login, logout, fetch: authorizedFetch, getAccessToken, onChange: shared.subscribe };
}

function authorize(request: Request, accessToken: string): Request {
  request.headers.set('Authorization', `Bearer ${accessToken}`);
  return request;
}

function withoutTrailingSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}
