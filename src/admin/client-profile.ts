/** What a client is registered with, and which of it goes together. */
import Type, { type Static } from 'typebox';
import type { Client } from '../clients/client.js';
import type { ClientProfile } from '../clients/client-administration.js';
import { grantTypes } from '../oauth/grant-type.js';
import { parseScope } from '../oauth/scope.js';
import { isSecure } from '../oauth/secure-url.js';
import { invalid } from './refusals.js';

/** With the longest claims of a user, an access token still fits the 8 kB that servers allow a header. */
const scopeLimitBytes = 512;
const audiencesLimitBytes = 512;
const mostOrigins = 50;

export const grantsInput = Type.Array(Type.Enum(grantTypes), {
  minItems: 1,
  description: 'The grant types that it may use',
});

export const clientProfileInput = {
  grants: Type.Optional(grantsInput),
  scope: Type.Optional(
    Type.String({
      maxLength: scopeLimitBytes,
      description: 'All that it may ask for, separated by spaces (RFC 6749 §3.3)',
    }),
  ),
  audiences: Type.Optional(
    Type.Array(Type.String(), { description: 'The `aud` of its access tokens. Default: DEFAULT_AUDIENCE' }),
  ),
  origins: Type.Optional(
    Type.Array(Type.String({ maxLength: 300 }), {
      maxItems: mostOrigins,
      description: 'Web origins of its pages: https, or http on loopback',
    }),
  ),
  refresh_delivery: Type.Optional(
    Type.Enum(['body', 'cookie'], {
      description: 'Where its refresh tokens go: the body, or an HttpOnly cookie',
    }),
  ),
  cookie_same_site: Type.Optional(
    Type.Enum(['strict', 'none'], { description: '`none`: its pages are on another site than this server' }),
  ),
};

type ProfileInput = { [K in keyof typeof clientProfileInput]?: Static<(typeof clientProfileInput)[K]> };

/** The members that are there. Throws `invalid_request`. */
export function toClientProfile(input: ProfileInput): Partial<ClientProfile> {
  const { grants, scope, audiences, origins, refresh_delivery, cookie_same_site } = input;
  return {
    ...(grants && { grants: distinct(grants) }),
    ...(scope !== undefined && { scope: checkedScope(scope) }),
    ...(audiences && { audiences: checkedAudiences(audiences) }),
    ...(origins && { origins: distinct(origins.map(checkedOrigin)) }),
    ...(refresh_delivery && { refreshDelivery: refresh_delivery }),
    ...(cookie_same_site && { cookieSameSite: cookie_same_site }),
  };
}

/** Throws `invalid_request` where the parts contradict each other. */
export function checkConsistency(client: ClientProfile & Pick<Client, 'type'>): void {
  const byCookie = client.refreshDelivery === 'cookie';
  const rules: [broken: boolean, message: string][] = [
    // RFC 6749 §4.4: MUST only be used by confidential clients.
    [
      client.type === 'public' && client.grants.includes('client_credentials'),
      'grants: client_credentials is for confidential clients',
    ],
    [
      byCookie && !client.grants.includes('refresh_token'),
      'refresh_delivery: a cookie needs the grant refresh_token',
    ],
    [byCookie && client.origins.length === 0, 'refresh_delivery: a cookie needs at least one origin'],
  ];
  for (const [broken, message] of rules) if (broken) throw invalid(message);
}

function checkedScope(value: string): string[] {
  if (value === '') return [];
  try {
    return parseScope(value);
  } catch {
    throw invalid('scope: tokens of printable ASCII, separated by single spaces');
  }
}

/** RFC 7519 §4.1.3: any string; one with a colon must be a URI (§2). */
function checkedAudiences(audiences: readonly string[]): string[] {
  const wrong = audiences.some((audience) => !/^[\x21-\x7E]+$/.test(audience) || !isStringOrUri(audience));
  if (wrong) throw invalid('audiences: printable ASCII without spaces, and a URI where there is a colon');
  if (Buffer.byteLength(JSON.stringify(audiences)) > audiencesLimitBytes) {
    throw invalid(`audiences: together at most ${audiencesLimitBytes} bytes of JSON`);
  }
  return distinct(audiences);
}

function isStringOrUri(value: string): boolean {
  return !value.includes(':') || URL.canParse(value);
}

/** An origin exactly as browsers send it (RFC 6454 §6.2), or `invalid_request`. */
function checkedOrigin(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !isSecure(url)) throw invalid('origins: https, or http on loopback');
  if (url.origin !== value) throw invalid(`origins: written exactly as browsers send it: ${url.origin}`);
  return value;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
