// The refresh cookie (RFC 6265): one name per client, so that two apps on one issuer do not overwrite each other's.
import { fastifyCookie } from '@fastify/cookie';
import type { Client } from '../clients/client.js';
import { OAuthError } from '../oauth/errors.js';

export type CookieClient = Pick<Client, 'id' | 'cookieSameSite'>;

/**
 * A client id holds only what a cookie name may hold, too (RFC 6265 §4.1.1). Partitioned and ordinary cookies live in
 * different jars and could be sent together: under different names neither hides the other when a client's choice changes.
 */
export function refreshCookieName({ id, cookieSameSite }: CookieClient): string {
  return cookieSameSite === 'none'
    ? `__Host-keyturn-refresh.cross-site-${id}`
    : `__Host-keyturn-refresh-${id}`;
}

/** A `Set-Cookie` value. `maxAgeSeconds`: the session's remaining life. */
export function refreshCookie(client: CookieClient, refreshToken: string, maxAgeSeconds: number): string {
  const crossSite = client.cookieSameSite === 'none';
  return fastifyCookie.serialize(refreshCookieName(client), refreshToken, {
    maxAge: Math.max(0, Math.floor(maxAgeSeconds)),
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: crossSite ? 'none' : 'strict',
    // A cookie jar per top-level site: a foreign page that embeds the app has none of its sessions.
    partitioned: crossSite,
  });
}

/** Browsers drop a cookie only when the attributes are those that it was set with. */
export function clearedRefreshCookie(client: CookieClient): string {
  return refreshCookie(client, '', 0);
}

/**
 * The refresh token of this client in a raw `Cookie` header; an empty one is none.
 * @throws OAuthError `invalid_request` for two cookies of the name: one of them is somebody else's
 */
export function presentedRefreshToken(
  cookieHeader: string | undefined,
  client: CookieClient,
): string | undefined {
  const prefix = `${refreshCookieName(client)}=`;
  const values = (cookieHeader ?? '')
    .split(';')
    .map(withoutLeadingSpaces)
    .filter((pair) => pair.startsWith(prefix))
    .map((pair) => pair.slice(prefix.length));
  if (values.length > 1) {
    throw new OAuthError('invalid_request', { description: 'Duplicate refresh cookies' });
  }
  return values[0] || undefined;
}

/**
 * RFC 6265 §4.2.1: a semicolon and a space between two cookies. Any other byte belongs to the name: with one before `__Host-`
 * it is not that cookie, and may have been set from a subdomain or over plain http.
 */
function withoutLeadingSpaces(pair: string): string {
  let start = 0;
  while (pair[start] === ' ') start += 1;
  return pair.slice(start);
}
