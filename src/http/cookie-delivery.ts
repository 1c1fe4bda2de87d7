/**
 * Clients with `--refresh-delivery cookie`: their refresh tokens travel in the cookie only, and what the cookie is good for
 * is asked for by their own pages only. Clients with delivery `body` pass through untouched.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isClientId, presentedClientId } from '../clients/authenticate-client.js';
import type { Client } from '../clients/client.js';
import type { ClientRegistry } from '../clients/client-registry.js';
import type { Clock } from '../clock.js';
import { OAuthError } from '../oauth/errors.js';
import type { Parameters } from '../oauth/parameters.js';
import type { TokenAnswer } from '../oauth/token-response.js';
import { clearedRefreshCookie, presentedRefreshToken, refreshCookie } from './cookies.js';
import { requireOwnPage, requireOwnPageIfBrowser } from './origin.js';

/** A request that acts by cookie. */
export interface CookieRequest {
  client: Client;
  /** The cookie's refresh token; undefined when there is no cookie. */
  refreshToken: string | undefined;
}

export class CookieDelivery {
  readonly #clients: ClientRegistry;
  readonly #clock: Clock;

  constructor(clients: ClientRegistry, clock: Clock) {
    this.#clients = clients;
    this.#clock = clock;
  }

  /**
   * Before a request that sets the cookie, in whichever way it names its client: a form of a foreign page can bring
   * HTTP Basic, too, by its URL. @throws OAuthError `access_denied`, or `invalid_client` for unusable credentials
   */
  async admit({ headers }: FastifyRequest, parameters: Parameters): Promise<void> {
    const client = await this.#cookieClient(presentedClientId(headers.authorization, parameters));
    if (client) requireOwnPageIfBrowser(headers, client);
  }

  /**
   * The request as one by cookie, or undefined: the client has no cookie, or the token stands in the form.
   * @throws OAuthError `access_denied`, or `invalid_request` for duplicate cookies; nothing has changed then
   */
  async read(
    { headers }: FastifyRequest,
    parameters: Parameters,
    tokenParameter: 'refresh_token' | 'token',
  ): Promise<CookieRequest | undefined> {
    const client = await this.#cookieClient(parameters.optional('client_id'));
    if (!client || parameters.optional(tokenParameter) !== undefined) return undefined;
    requireOwnPage(headers, client);
    return { client, refreshToken: presentedRefreshToken(headers.cookie, client) };
  }

  /** The refresh token of the client's cookie, if the client has one. @throws OAuthError for duplicate cookies */
  presented({ headers }: FastifyRequest, client: Client): string | undefined {
    return client.refreshDelivery === 'cookie' ? presentedRefreshToken(headers.cookie, client) : undefined;
  }

  /** Puts the refresh token where the client wants it. @returns what is left for the body */
  deliver(reply: FastifyReply, client: Client, answer: TokenAnswer): TokenAnswer {
    if (client.refreshDelivery !== 'cookie' || !answer.refreshToken) return answer;
    const { value, expiresAt } = answer.refreshToken;
    reply.header('set-cookie', refreshCookie(client, value, (expiresAt - this.#clock()) / 1000));
    return { ...answer, refreshToken: undefined };
  }

  async #cookieClient(id: string | undefined): Promise<Client | undefined> {
    const client = id !== undefined && isClientId(id) ? await this.#clients.find(id) : undefined;
    return client?.refreshDelivery === 'cookie' ? client : undefined;
  }
}

export function clearCookie(reply: FastifyReply, client: Client): void {
  reply.header('set-cookie', clearedRefreshCookie(client));
}

/** RFC 6749 §5.2 `invalid_grant` is the end of a session; no other failure is, a lost race or a 503 least of all. */
export function endsSession(error: unknown): boolean {
  return error instanceof OAuthError && error.code === 'invalid_grant';
}

/** No cookie, no session: the page is told to log in, as with a session that has ended. */
export function noSession(): OAuthError {
  return new OAuthError('invalid_grant', { description: 'There is no session', reason: 'no refresh cookie' });
}
