/** Tokens: issued, refreshed, revoked, introspected. */
import {
  answer,
  basicAuthentication,
  form,
  type Json,
  type Operation,
  object,
  type Paths,
  publicClient,
  refusals,
  schema,
  string,
} from './vocabulary.js';

const tags = ['OAuth 2.0'];
const clientAuthentication = {
  client_id: string('The client, where it does not authenticate by HTTP Basic'),
  client_secret: string('For confidential clients that do not authenticate by HTTP Basic', {
    format: 'password',
  }),
};
const scope = string('Space-separated; absent: all that may be granted');
const ownPage: Json = {
  name: 'Keyturn-Request',
  in: 'header',
  description: 'Required of requests that act by the refresh cookie',
  schema: { const: '1' },
};
const setCookie = {
  'Set-Cookie': { description: 'The refresh cookie, for clients that have one', schema: { type: 'string' } },
};

const grants: Json = {
  oneOf: [
    object(
      {
        grant_type: { const: 'password' },
        username: string('E-mail address or username'),
        password: string('At most 1024 bytes', { format: 'password' }),
        scope,
        device_label: string('What the user calls the device, for the list of sessions', { maxLength: 64 }),
        ...clientAuthentication,
      },
      ['grant_type', 'username', 'password'],
    ),
    object({ grant_type: { const: 'client_credentials' }, scope, ...clientAuthentication }, ['grant_type']),
    object(
      {
        grant_type: { const: 'refresh_token' },
        refresh_token: string('Used once: the answer brings its successor'),
        scope: string('May narrow the access token; the session keeps what was granted'),
        ...clientAuthentication,
      },
      ['grant_type', 'refresh_token'],
    ),
  ],
};

const issued = { ...answer('The tokens (RFC 6749 §5.1)', schema('TokenResponse')), headers: setCookie };

const token: Operation = {
  operationId: 'token',
  tags,
  summary: 'Issue tokens',
  description: 'RFC 6749 §3.2. Which grants a client may use is part of its registration.',
  security: [basicAuthentication, publicClient],
  requestBody: form(grants),
  responses: { 200: issued, ...refusals(400, 401, 403, 413, 415) },
};

const refresh: Operation = {
  operationId: 'refresh',
  tags,
  summary: 'Refresh, for browsers',
  description:
    'The refresh token comes from the cookie and its successor goes back into it. Without the cookie, as `/token` with `grant_type=refresh_token`.',
  security: [{ refreshCookie: [] }, basicAuthentication, publicClient],
  parameters: [ownPage],
  requestBody: form(
    object({ ...clientAuthentication, refresh_token: string('Where there is no cookie'), scope }, [
      'client_id',
    ]),
  ),
  responses: { 200: issued, ...refusals(400, 401, 403, 413, 415) },
};

const revoke: Operation = {
  operationId: 'revoke',
  tags,
  summary: 'Revoke a token',
  description:
    'RFC 7009. A refresh token ends its session with every access token of it. With the refresh cookie and no `token`: logout, and the cookie is cleared.',
  security: [{ refreshCookie: [] }, basicAuthentication, publicClient],
  parameters: [{ ...ownPage, required: false }],
  requestBody: form(
    object({
      token: string('An access token or a refresh token'),
      token_type_hint: string('Not needed', { enum: ['access_token', 'refresh_token'] }),
      ...clientAuthentication,
    }),
  ),
  responses: {
    200: { description: 'Revoked for good, or there was nothing to revoke' },
    ...refusals(400, 401, 403, 413, 415),
  },
};

const introspect: Operation = {
  operationId: 'introspect',
  tags,
  summary: 'Ask whether a token is active',
  description:
    'RFC 7662, for confidential clients. Verifying locally, and following `/revocations`, is cheaper.',
  security: [basicAuthentication, publicClient],
  requestBody: form(
    object({ token: string('An access token, or a refresh token of this client'), ...clientAuthentication }, [
      'token',
    ]),
  ),
  responses: {
    200: answer('What the token is worth', schema('Introspection')),
    ...refusals(400, 401, 413, 415),
  },
};

export const oauthPaths: Paths = {
  '/token': { post: token },
  '/token/refresh': { post: refresh },
  '/revoke': { post: revoke },
  '/introspect': { post: introspect },
};
