/** Client authentication: RFC 6749 §2.3. */
import { timingSafeEqual } from 'node:crypto';
import { credentialsOf } from '../oauth/authorization-header.js';
import { OAuthError } from '../oauth/errors.js';
import { formDecoded, type Parameters } from '../oauth/parameters.js';
import { isUuid } from '../oauth/uuid.js';
import { secretHash } from '../secrets.js';
import type { Client } from './client.js';
import type { ClientRegistry } from './client-registry.js';

interface Credentials {
  id: string;
  secret?: string | undefined;
}

/** Of a client that is named, it never says which part was wrong. */
function invalidClient(reason: string, description = 'Client authentication failed'): OAuthError {
  return new OAuthError('invalid_client', { description, reason });
}

/** Far more than a client id and a secret take, and little to decode. */
const basicCharactersAtMost = 2_048;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** RFC 6749 §2.3.1: id and secret are form-encoded before they go into HTTP Basic (RFC 7617). */
function basicCredentials(header: string): Credentials {
  const encoded = credentialsOf(header, 'basic');
  if (encoded === undefined)
    throw invalidClient('another scheme', 'Clients authenticate by HTTP Basic or by form parameters');
  if (encoded.length > basicCharactersAtMost || !base64.test(encoded))
    throw invalidClient('unusable Authorization header', 'The Basic credentials are malformed');
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) throw invalidClient('no colon in Basic credentials', 'The Basic credentials are malformed');
  const [id, secret] = [formDecoded(decoded.slice(0, colon)), formDecoded(decoded.slice(colon + 1))];
  if (id === undefined || secret === undefined)
    throw invalidClient('not form-encoded', 'The Basic credentials are not form-encoded');
  return { id, secret };
}

function presentedCredentials(authorization: string | undefined, parameters: Parameters): Credentials {
  const posted = { id: parameters.optional('client_id'), secret: parameters.optional('client_secret') };
  if (authorization !== undefined) {
    const basic = basicCredentials(authorization);
    // RFC 6749 §2.3: the client MUST NOT use more than one authentication method in each request.
    if (posted.secret !== undefined) throw twoMethods();
    if (posted.id !== undefined && posted.id !== basic.id) throw twoMethods();
    return basic;
  }
  // RFC 6749 §5.2: no client authentication included is `invalid_client`, too; a public client is named by its id.
  if (posted.id === undefined)
    throw invalidClient('no client credentials', 'The request names no client: client_id is missing');
  return { id: posted.id, secret: posted.secret };
}

function twoMethods(): OAuthError {
  return new OAuthError('invalid_request', { description: 'More than one client authentication method' });
}

/** The client that a request claims to come from. Throws as {@link authenticateClient} does; proves nothing. */
export function presentedClientId(authorization: string | undefined, parameters: Parameters): string {
  return presentedCredentials(authorization, parameters).id;
}

/**
 * The client that sends this request, by HTTP Basic, by form parameters, or by its id alone if it is public.
 * Throws `invalid_client`, or `invalid_request` when two methods are used at once.
 */
export async function authenticateClient(
  registry: ClientRegistry,
  authorization: string | undefined,
  parameters: Parameters,
): Promise<Client> {
  const { id, secret } = presentedCredentials(authorization, parameters);
  const client = isClientId(id) ? await registry.find(id) : undefined;
  if (!client) throw invalidClient('unknown client');
  if (client.disabledAt) throw invalidClient('client disabled');
  if (!hasPresentedSecret(client, secret)) throw invalidClient('wrong client secret');
  return client;
}

function hasPresentedSecret(client: Client, secret: string | undefined): boolean {
  if (client.type === 'public') return !secret;
  if (!client.secretHash || !secret) return false;
  return timingSafeEqual(secretHash(secret), client.secretHash);
}

const clientIdForm = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$/;

/** Client ids: letters, digits and `._~-`, at most 100; never of the form of a user id, so that `sub` is unambiguous. */
export function isClientId(value: string): boolean {
  return clientIdForm.test(value) && !isUuid(value.toLowerCase());
}
