import type { BrowserContext, Cookie } from 'playwright-core';
import type { World } from './world.js';

/** The refresh cookie in the browser's jar. */
export async function refreshCookieOf(profile: BrowserContext, clientId = 'shop'): Promise<Cookie> {
  const cookie = (await profile.cookies()).find(({ name }) => name.endsWith(`-${clientId}`));
  if (!cookie) throw new Error(`no refresh cookie of ${clientId}`);
  return cookie;
}

/** A refresh by somebody who has the cookie's value and can forge every header: a thief. */
export async function presentCookie(world: World, value: string) {
  const response = await fetch(`${world.server.url}/token/refresh`, {
    method: 'POST',
    headers: {
      Cookie: `__Host-keyturn-refresh-shop=${value}`,
      Origin: world.app.origin,
      'Keyturn-Request': '1',
    },
    body: new URLSearchParams({ client_id: 'shop' }),
  });
  const body: unknown = await response.json();
  return { status: response.status, body, setCookie: response.headers.getSetCookie() };
}
