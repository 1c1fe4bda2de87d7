// Which page made a request. What acts by cookie must come from a page of the client itself: no other can be trusted
// to have its user's consent, whatever cookies the browser adds (RFC 6749 §10.12).
import type { IncomingHttpHeaders } from 'node:http';
import type { Client } from '../clients/client.js';
import { OAuthError } from '../oauth/errors.js';

/** Makes a request non-simple: no form, image or `no-cors` fetch of another page can send it. */
export const REQUEST_HEADER = 'keyturn-request';

type BrowserClient = Pick<Client, 'origins' | 'cookieSameSite'>;

/** For requests that act by cookie. @throws OAuthError `access_denied`, before anything is read or changed */
export function requireOwnPage(headers: IncomingHttpHeaders, client: BrowserClient): void {
  if (headers[REQUEST_HEADER] !== '1') refuse('Keyturn-Request header is missing');
  requireOwnOrigin(headers, client);
}

/** For a login that sets a cookie: a foreign page must not log its visitor into another account; curl may log in. */
export function requireOwnPageIfBrowser(headers: IncomingHttpHeaders, client: BrowserClient): void {
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return;
  requireOwnOrigin(headers, client);
}

function requireOwnOrigin(
  { origin, 'sec-fetch-site': site }: IncomingHttpHeaders,
  client: BrowserClient,
): void {
  if (origin === undefined || !client.origins.includes(origin)) refuse('origin is not registered');
  if (site !== undefined && !expectedSites(client).includes(String(site))) refuse(`fetch site is ${site}`);
}

/** Fetch Metadata: browsers that send it tell where the page stands. `none` is typed by the user: never an app's request. */
function expectedSites(client: BrowserClient): string[] {
  return client.cookieSameSite === 'none'
    ? ['same-origin', 'same-site', 'cross-site']
    : ['same-origin', 'same-site'];
}

function refuse(reason: string): never {
  throw new OAuthError('access_denied', {
    description: 'The request does not come from a page of this client',
    reason,
  });
}
