/** The shapes that answers share, and the refusals of all routes. */
import { answer, type Json, object, schema, seconds, string } from './vocabulary.js';

const tokenResponse = object(
  {
    access_token: string('A JWT with header `typ: at+jwt` (RFC 9068)'),
    token_type: { const: 'Bearer' },
    expires_in: { type: 'integer', description: 'Seconds until the access token expires' },
    scope: string('The granted scope, space-separated; absent when it is empty'),
    refresh_token: string(
      'Absent for `client_credentials`, and for clients whose refresh token travels as a cookie',
    ),
  },
  ['access_token', 'token_type', 'expires_in'],
);

const error = object(
  {
    error: string('The code', {
      enum: [
        ...[
          'invalid_request',
          'invalid_client',
          'invalid_grant',
          'unauthorized_client',
          'unsupported_grant_type',
        ],
        ...['invalid_scope', 'access_denied', 'invalid_token', 'insufficient_scope'],
        ...['temporarily_unavailable', 'server_error'],
      ],
    }),
    error_description: string('For developers'),
    reason: string('Why a refresh failed, told to whoever presents a token that was once real', {
      enum: ['expired', 'revoked', 'reused', 'unknown'],
    }),
  },
  ['error'],
);

/** Some refusals of admin operations carry what the operation found. */
const conflict = object(
  {
    error: { const: 'invalid_request' },
    error_description: string('For people'),
    outcome: string('What came of it, as in the command line'),
    reason: string('Why a rotation of signing keys was refused', {
      enum: ['published-too-recently', 'no-such-next-key', 'already-scheduled'],
    }),
    safe_at: string('When a rotation will be safe', { format: 'date-time' }),
    message: string('What to do'),
  },
  ['error'],
);

const introspection = object(
  {
    active: { type: 'boolean', description: 'Where false, nothing else is said' },
    sub: string('The user, or the client itself'),
    client_id: string('The client that the token was issued to'),
    scope: string('Space-separated'),
    sid: string('The session'),
    token_type: string('`Bearer` for access tokens'),
    exp: seconds('When it expires'),
    iat: seconds('When it was issued'),
  },
  ['active'],
);

const session = object(
  {
    id: string('The `sid` of its access tokens', { format: 'uuid' }),
    client_id: string('The client that it was begun through'),
    scope: string('What was granted, space-separated'),
    label: { type: ['string', 'null'], description: 'What the user calls the device' },
    user_agent: { type: ['string', 'null'], description: 'What the client called itself' },
    address: { type: ['string', 'null'], description: 'Where the login came from' },
    created_at: seconds('When it began'),
    last_used_at: seconds('Its latest login or refresh'),
    expires_at: seconds('When it ends if it is not refreshed'),
    current: { type: 'boolean', description: 'Whether the access token that asks belongs to it' },
  },
  ['id', 'client_id', 'created_at', 'last_used_at', 'expires_at', 'current'],
);

const revocation = object(
  {
    type: string('What `value` is', { enum: ['jti', 'sid', 'sub', 'kid'] }),
    value: string('The token, session, user or client, or signing key'),
    before: {
      type: 'integer',
      description: 'For `sub`: tokens issued before this, in milliseconds since 1970',
    },
    reason: string('Why'),
    revoked_at: seconds('When'),
    expires_at: seconds('When nothing that it covers can be valid any more'),
  },
  ['type', 'value', 'reason', 'revoked_at', 'expires_at'],
);

export const schemas: Json = {
  TokenResponse: tokenResponse,
  Error: error,
  Conflict: conflict,
  Introspection: introspection,
  Session: session,
  Revocation: revocation,
};

const retryAfter = {
  'Retry-After': { description: 'Seconds after which to try again', schema: { type: 'integer' } },
};
const challenge = {
  'WWW-Authenticate': { description: 'How to authenticate', schema: { type: 'string' } },
};

function refusal(description: string, headers?: Json): Json {
  return { ...answer(description, schema('Error')), ...(headers && { headers }) };
}

export const responses: Json = {
  BadRequest: refusal('The request cannot be granted as it is (RFC 6749 §5.2)'),
  Unauthorized: refusal('The client or the access token could not be authenticated', challenge),
  Forbidden: refusal('Not allowed to whoever asks'),
  NotFound: refusal('There is no such thing'),
  Conflict: answer('It would contradict what is already there', schema('Conflict')),
  PayloadTooLarge: refusal('The body is larger than 16 KiB'),
  UnsupportedMediaType: refusal('The body has a type or encoding that is not accepted here'),
  TooManyRequests: refusal('Over the limit of the account or of the client address', retryAfter),
  ServerError: refusal('A defect of the server'),
  Unavailable: refusal('Not now: nothing has changed, and tokens stay good. Try again', retryAfter),
};
