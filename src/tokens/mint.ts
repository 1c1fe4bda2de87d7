/** The one place where access tokens are made. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../clients/client.js';
import { type Clock, toSeconds } from '../clock.js';
import { type UserClaims, withCustomClaims } from '../oauth/claims.js';
import { temporarilyUnavailable } from '../oauth/errors.js';
import { adminScope } from '../oauth/scope.js';
import type { Signer, SigningKeys } from './access-token.js';

export interface MintSettings {
  issuer: string;
  defaultAudience: string;
  accessTokenTtlSeconds: number;
}

/** Whom an access token speaks for. */
export interface Subject {
  /** A user's id, or the client's own. */
  sub: string;
  /** Only for users. */
  session?: { id: string; authTime: Date; user: UserClaims };
}

export interface AccessTokenRequest {
  client: Client;
  subject: Subject;
  scope: readonly string[];
  /** The token expires after its whole lifetime, or then: milliseconds since the epoch. */
  expiresAt: number;
  /** The subject's tokens issued before this are revoked. */
  revokedBefore?: Date | null | undefined;
}

export interface SignedAccessToken {
  value: string;
  expiresInSeconds: number;
}

/** The rest of a second, and some more where the database's clock is ahead. */
const longestWaitMilliseconds = 5_000;

export class Mint {
  readonly #keys: SigningKeys;
  readonly #clock: Clock;
  readonly #settings: MintSettings;

  constructor(keys: SigningKeys, clock: Clock, settings: MintSettings) {
    this.#keys = keys;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** The key to sign with, taken before anything is written. Throws `temporarily_unavailable` when no key is active. */
  async signer(): Promise<Signer> {
    await this.#keys.upToDate();
    return this.#keys.signer();
  }

  /**
   * The latest expiry of a token that is begun now, in milliseconds since the epoch. One second to spare, so that its
   * lifetime is the same whether or not a second passes before it is signed.
   */
  expiry(): number {
    return (toSeconds(this.#clock()) + 1 + this.#settings.accessTokenTtlSeconds) * 1000;
  }

  /** Signs an access token (RFC 9068 §2.2). Throws `temporarily_unavailable` when signing fails. */
  async sign(signer: Signer, request: AccessTokenRequest): Promise<SignedAccessToken> {
    if (request.revokedBefore) await this.#waitUntilIssuable(request.revokedBefore);
    const iat = toSeconds(this.#clock());
    const exp = Math.min(iat + this.#settings.accessTokenTtlSeconds, toSeconds(request.expiresAt));
    try {
      return { value: await signer.sign(this.#claims(request, iat, exp)), expiresInSeconds: exp - iat };
    } catch (error) {
      throw temporarilyUnavailable('signing failed', error);
    }
  }

  #claims({ client, subject, scope }: AccessTokenRequest, iat: number, exp: number) {
    const { session } = subject;
    const { issuer, defaultAudience } = this.#settings;
    // What is undefined is left out of the JSON.
    const claims = {
      iss: issuer,
      sub: subject.sub,
      // A token with the admin scope is for the admin API, and for nothing else.
      aud: scope.includes(adminScope) ? issuer : audienceOf(client, defaultAudience),
      exp,
      iat,
      jti: randomUUID(),
      client_id: client.id,
      scope: scope.length > 0 ? scope.join(' ') : undefined,
      sid: session?.id,
      auth_time: session && toSeconds(session.authTime.getTime()),
      roles: session?.user.roles,
      permissions: session?.user.permissions,
      org_id: session?.user.orgId ?? undefined,
    };
    return session ? withCustomClaims(claims, session.user.custom) : claims;
  }

  /**
   * `iat` is in whole seconds, and tokens from before a revocation of all of a subject's tokens are told by it:
   * a token of the same second must wait for the next one.
   */
  async #waitUntilIssuable(revokedBefore: Date): Promise<void> {
    const issuableAt = Math.ceil(revokedBefore.getTime() / 1000) * 1000;
    // Again and again: a timer may fire a moment before its time.
    for (;;) {
      const wait = issuableAt - this.#clock();
      if (wait <= 0 || wait > longestWaitMilliseconds) return;
      await sleep(wait);
    }
  }
}

function audienceOf(client: Client, fallback: string): string | string[] {
  const [first, ...others] = client.audiences;
  return first === undefined ? fallback : others.length === 0 ? first : [first, ...others];
}
