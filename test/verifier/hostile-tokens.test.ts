import { createHmac } from 'node:crypto';
import {
  CompactEncrypt,
  type CompactJWSHeaderParameters,
  exportSPKI,
  importJWK,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import t from 'tap';
import { type FakeServer, newSigningKey, type SigningKey } from './fake-server.js';
import { refusedWith, setUp } from './harness.js';

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

interface Workshop {
  server: FakeServer;
  /** Published by the server. */
  es256: SigningKey;
  rs256: SigningKey;
  /** Not published. */
  stranger: SigningKey;
  now: number;
}

type Forge = (workshop: Workshop) => string | Promise<string>;

/** The parts of a good token, changed by `edit`. */
const edited =
  (edit: (parts: [string, string, string]) => string): Forge =>
  async ({ server }) => {
    const [header = '', payload = '', signature = ''] = (await server.token()).split('.');
    return edit([header, payload, signature]);
  };

/** A properly signed token with other claims. */
const claiming =
  (claims: (workshop: Workshop) => Record<string, unknown>): Forge =>
  (workshop) =>
    workshop.server.token(claims(workshop));

/** A token signed by the server's key over raw header and payload texts, as no honest server would. */
const signedRaw =
  (header: (kid: string) => string, payload?: (server: FakeServer) => string): Forge =>
  async ({ server, es256 }) => {
    const body = payload ? payload(server) : JSON.stringify(server.claims());
    const input = `${encode(header(es256.kid))}.${encode(body)}`;
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(algorithm, es256.privateKey, Buffer.from(input));
    return `${input}.${Buffer.from(signature).toString('base64url')}`;
  };

const headed = (header: CompactJWSHeaderParameters): Forge =>
  signedRaw((kid) => JSON.stringify({ kid, typ: 'at+jwt', ...header }));

/** HS256 with something public as the secret: the classic algorithm confusion. */
const hmacWith =
  (secret: (key: SigningKey) => string | Promise<string>, alg = 'HS256'): Forge =>
  async ({ server, rs256 }) => {
    const input = `${encode({ alg, kid: rs256.kid, typ: 'at+jwt' })}.${encode(server.claims())}`;
    const hash = alg.replace('HS', 'sha');
    return `${input}.${createHmac(hash, await secret(rs256))
      .update(input)
      .digest('base64url')}`;
  };

async function pem({ jwk }: SigningKey): Promise<string> {
  const key = await importJWK(jwk, jwk.alg);
  if (key instanceof Uint8Array) throw new Error('Not a public key');
  return exportSPKI(key);
}

/** The ASN.1 form of an ECDSA signature, which JWS does not use (RFC 7518 §3.4). */
function derSignature(signature: string): string {
  const raw = Buffer.from(signature, 'base64url');
  const integer = (part: Buffer) => {
    const positive = (part[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), part]) : part;
    return Buffer.concat([Buffer.from([2, positive.length]), positive]);
  };
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]).toString('base64url');
}

const lastCharacter = (part: string, change: (character: string) => string) =>
  part.slice(0, -1) + change(part.slice(-1));

/** The next character of the alphabet: for a 64-byte signature's last one it only changes unused bits. */
const strayBits = (character: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) + 1] ?? 'B';
};

const hostile: Record<string, [code: string, forge: Forge]> = {
  // Algorithms (RFC 8725 §3.1)
  'alg none': ['token_malformed', ({ server }) => new UnsecuredJWT(server.claims()).encode()],
  'alg none with a signature': ['algorithm_refused', headed({ alg: 'none' })],
  'alg NoNe': ['algorithm_refused', headed({ alg: 'NoNe' })],
  'alg of another case': ['algorithm_refused', headed({ alg: 'es256' })],
  'HS256 with the public key as PEM': ['algorithm_refused', hmacWith(pem)],
  'HS256 with the public key as JWK': ['algorithm_refused', hmacWith(({ jwk }) => JSON.stringify(jwk))],
  'HS256 with the modulus': ['algorithm_refused', hmacWith(({ jwk }) => jwk.n ?? '')],
  'HS256 with an empty secret': ['algorithm_refused', hmacWith(() => '')],
  'HS512 with the public key': ['algorithm_refused', hmacWith(pem, 'HS512')],
  'ES256 under the kid of an RSA key': [
    'algorithm_refused',
    ({ server, es256, rs256 }) => server.token({}, { kid: rs256.kid }, es256),
  ],
  'RS256 under the kid of an EC key': [
    'algorithm_refused',
    ({ server, es256, rs256 }) => server.token({}, { kid: es256.kid }, rs256),
  ],
  'PS256 under the kid of an RSA key': ['algorithm_refused', headed({ alg: 'PS256' })],
  EdDSA: ['algorithm_refused', headed({ alg: 'EdDSA' })],
  'alg missing': ['token_malformed', signedRaw((kid) => JSON.stringify({ kid, typ: 'at+jwt' }))],
  'alg an array': [
    'token_malformed',
    signedRaw((kid) => JSON.stringify({ alg: ['ES256'], kid, typ: 'at+jwt' })),
  ],

  // Keys that the token brings along (RFC 8725 §3.10)
  'jwk embedded, no kid': [
    'header_refused',
    ({ server, stranger }) => server.token({}, { kid: undefined, jwk: stranger.jwk }, stranger),
  ],
  'jwk embedded under a known kid': [
    'signature_invalid',
    ({ server, stranger, es256 }) => server.token({}, { kid: es256.kid, jwk: stranger.jwk }, stranger),
  ],
  'jku to a key set of the attacker': [
    'signature_invalid',
    ({ server, stranger, es256 }) =>
      server.token({}, { kid: es256.kid, jku: `${server.issuer}/evil.json` }, stranger),
  ],
  'x5u to a certificate of the attacker': [
    'signature_invalid',
    ({ server, stranger, es256 }) =>
      server.token({}, { kid: es256.kid, x5u: `${server.issuer}/evil.pem` }, stranger),
  ],
  'x5c embedded': [
    'signature_invalid',
    ({ server, stranger, es256 }) => server.token({}, { kid: es256.kid, x5c: ['MIIB'] }, stranger),
  ],

  // kid
  'kid missing': ['header_refused', ({ server }) => server.token({}, { kid: undefined })],
  'kid empty': ['key_unknown', ({ server }) => server.token({}, { kid: '' })],
  'kid a number': ['header_refused', ({ server }) => server.token({}, { kid: 1 })],
  'kid null': ['header_refused', ({ server }) => server.token({}, { kid: null })],
  'kid an object': ['header_refused', ({ server }) => server.token({}, { kid: { length: 1 } })],
  'kid a path': ['key_unknown', ({ server }) => server.token({}, { kid: '../../dev/null' })],
  'kid an injection': ['key_unknown', ({ server }) => server.token({}, { kid: "x' OR '1'='1" })],
  'kid of Object.prototype': ['key_unknown', ({ server }) => server.token({}, { kid: '__proto__' })],
  'kid unknown, signed by a stranger': [
    'key_unknown',
    ({ server, stranger }) => server.token({}, {}, stranger),
  ],
  'kid known, signed by a stranger': [
    'signature_invalid',
    ({ server, stranger, es256 }) => server.token({}, { kid: es256.kid }, stranger),
  ],

  // Form and encoding
  empty: ['token_malformed', () => ''],
  'one part': ['token_malformed', () => 'abcd'],
  'two parts': ['token_malformed', edited(([header, payload]) => `${header}.${payload}`)],
  'four parts': ['token_malformed', edited((parts) => `${parts.join('.')}.AAAA`)],
  'empty signature': ['token_malformed', edited(([header, payload]) => `${header}.${payload}.`)],
  'padded signature': ['token_malformed', edited((parts) => `${parts.join('.')}==`)],
  'trailing newline': ['token_malformed', edited((parts) => `${parts.join('.')}\n`)],
  'leading space': ['token_malformed', edited((parts) => ` ${parts.join('.')}`)],
  'space within the signature': [
    'token_malformed',
    edited(([h, p, s]) => `${h}.${p}.${s.slice(0, 9)} ${s.slice(9)}`),
  ],
  'stray bits in the signature': [
    'token_malformed',
    edited(([h, p, s]) => `${h}.${p}.${lastCharacter(s, strayBits)}`),
  ],
  'base64 instead of base64url': ['token_malformed', edited(([h, p, s]) => `${h}.${p}.+/${s.slice(2)}`)],
  'NUL within': ['token_malformed', edited(([h, p, s]) => `${h}.\0${p}.${s}`)],
  'truncated signature': ['signature_invalid', edited(([h, p, s]) => `${h}.${p}.${s.slice(0, -6)}`)],
  'signature of zeros': ['signature_invalid', edited(([h, p]) => `${h}.${p}.${'A'.repeat(86)}`)],
  'payload swapped': [
    'signature_invalid',
    async ({ server }) => {
      const [[header, , signature], [, payload]] = [
        (await server.token()).split('.'),
        (await server.token()).split('.'),
      ];
      return `${header}.${payload}.${signature}`;
    },
  ],
  'signature in DER': ['signature_invalid', edited(([h, p, s]) => `${h}.${p}.${derSignature(s)}`)],
  'too long': ['token_too_long', ({ server }) => server.token({ note: 'x'.repeat(20_000) })],
  'header no JSON': ['token_malformed', signedRaw(() => 'ES256')],
  'header an array': ['token_malformed', signedRaw(() => '[]')],
  'header deeply nested': ['token_malformed', signedRaw(() => '['.repeat(8000))],
  'payload no JSON': [
    'token_malformed',
    signedRaw(
      (kid) => header(kid),
      () => 'sub=user-1',
    ),
  ],
  'payload an array': [
    'token_malformed',
    signedRaw(
      (kid) => header(kid),
      () => '[]',
    ),
  ],
  'payload null': [
    'token_malformed',
    signedRaw(
      (kid) => header(kid),
      () => 'null',
    ),
  ],
  'payload not UTF-8': [
    'token_malformed',
    async ({ server, es256 }) => {
      const input = `${encode(header(es256.kid))}.${Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('base64url')}`;
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
      const signature = await crypto.subtle.sign(algorithm, es256.privateKey, Buffer.from(input));
      return server.issuer && `${input}.${Buffer.from(signature).toString('base64url')}`;
    },
  ],

  // Extensions and other kinds of token
  'crit with an unknown extension': ['token_malformed', headed({ alg: 'ES256', crit: ['exp'], exp: 1 })],
  'crit with b64, which jose knows': ['header_refused', headed({ alg: 'ES256', crit: ['b64'], b64: true })],
  'crit empty': ['token_malformed', headed({ alg: 'ES256', crit: [] })],
  'typ JWT': ['type_mismatch', ({ server }) => server.token({}, { typ: 'JWT' })],
  'typ missing': ['type_mismatch', ({ server }) => server.token({}, { typ: undefined })],
  'typ of an ID token': ['type_mismatch', ({ server }) => server.token({}, { typ: 'id+jwt' })],
  'typ of a logout token': ['type_mismatch', ({ server }) => server.token({}, { typ: 'logout+jwt' })],
  'typ a list': ['type_mismatch', ({ server }) => server.token({}, { typ: ['at+jwt'] })],
  'encrypted token': [
    'token_malformed',
    ({ stranger }) =>
      new CompactEncrypt(Buffer.from('{}'))
        .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM' })
        .encrypt({ ...stranger.jwk, alg: 'ECDH-ES', use: 'enc' }),
  ],
  'opaque token': ['token_malformed', () => 'kr_v1_AbCdEf0123456789'],

  // Claims
  'iss of another issuer': ['issuer_mismatch', claiming(() => ({ iss: 'https://other.example' }))],
  'iss with a slash more': ['issuer_mismatch', claiming(({ server }) => ({ iss: `${server.issuer}/` }))],
  'iss a list with the right one': ['issuer_mismatch', claiming(({ server }) => ({ iss: [server.issuer] }))],
  'iss missing': ['claim_missing', claiming(() => ({ iss: undefined }))],
  'aud of another API': ['audience_mismatch', claiming(() => ({ aud: 'urn:example:films' }))],
  'aud a prefix': ['audience_mismatch', claiming(() => ({ aud: 'urn:example' }))],
  'aud an empty list': ['audience_mismatch', claiming(() => ({ aud: [] }))],
  'aud an object': ['audience_mismatch', claiming(() => ({ aud: { 'urn:example:books': true } }))],
  'aud with numbers in the list': ['claim_invalid', claiming(() => ({ aud: ['urn:example:books', 1] }))],
  'aud missing': ['claim_missing', claiming(() => ({ aud: undefined }))],
  'sub missing': ['claim_missing', claiming(() => ({ sub: undefined }))],
  'sub a number': ['claim_invalid', claiming(() => ({ sub: 1 }))],
  'sub empty': ['claim_invalid', claiming(() => ({ sub: '' }))],
  'jti missing': ['claim_missing', claiming(() => ({ jti: undefined }))],
  'jti an object': ['claim_invalid', claiming(() => ({ jti: {} }))],
  'client_id missing': ['claim_missing', claiming(() => ({ client_id: undefined }))],
  'sid a list': ['claim_invalid', claiming(() => ({ sid: ['a'] }))],
  'scope a list': ['claim_invalid', claiming(() => ({ scope: ['books:read'] }))],
  'roles a string': ['claim_invalid', claiming(() => ({ roles: 'admin' }))],
  'permissions with an object': ['claim_invalid', claiming(() => ({ permissions: [{}] }))],
  'exp missing': ['claim_missing', claiming(() => ({ exp: undefined }))],
  'exp a string': ['claim_invalid', claiming(({ now }) => ({ exp: String(now + 900) }))],
  'exp null': ['claim_invalid', claiming(() => ({ exp: null }))],
  'exp infinite': [
    'claim_invalid',
    signedRaw(
      (kid) => header(kid),
      (server) => JSON.stringify(server.claims({ exp: 123456789 })).replace('123456789', '1e999'),
    ),
  ],
  'exp negative': ['token_expired', claiming(() => ({ exp: -1 }))],
  'exp in milliseconds of the past': ['token_expired', claiming(() => ({ exp: 0 }))],
  'exp just beyond the tolerance': ['token_expired', claiming(({ now }) => ({ exp: now - 5 }))],
  'iat missing': ['claim_missing', claiming(() => ({ iat: undefined }))],
  'iat a string': ['claim_invalid', claiming(() => ({ iat: 'yesterday' }))],
  'iat in the future': ['token_not_yet_valid', claiming(({ now }) => ({ iat: now + 60 }))],
  'nbf in the future': ['token_not_yet_valid', claiming(({ now }) => ({ nbf: now + 60 }))],
  'nbf a string': ['claim_invalid', claiming(() => ({ nbf: '0' }))],
};

function header(kid: string): string {
  return JSON.stringify({ alg: 'ES256', kid, typ: 'at+jwt' });
}

t.test(
  'RFC 8725, RFC 9068 §4: hostile tokens are refused with the right code, and none causes a fetch',
  async (t) => {
    const { server, verifier } = await setUp(t);
    const rs256 = await newSigningKey('rsa-1', 'RS256');
    const [es256] = server.keys;
    if (!es256) throw new Error('The fake server has no key');
    server.keys.push(rs256);
    const workshop = {
      server,
      es256,
      rs256,
      stranger: await newSigningKey('stranger'),
      now: Math.floor(Date.now() / 1000),
    };
    await verifier.verify(await server.token());
    await verifier.verify(await server.token({}, {}, rs256));
    const fetches = server.fetches;
    t.ok(Object.keys(hostile).length >= 40, `${Object.keys(hostile).length} hostile tokens`);
    for (const [title, [code, forge]] of Object.entries(hostile)) {
      const error = await refusedWith(t, verifier.verify(await forge(workshop)), code, `${title}: ${code}`);
      t.equal(error?.status, 401);
      t.match(error?.wwwAuthenticate, /^Bearer error="invalid_token", error_description="[ -~]+"$/);
    }
    t.equal(server.fetches, fetches, 'no fetch');
    t.ok(await verifier.verify(await server.token()), 'a good token is still accepted');
  },
);

t.test('Values that are no string are refused, not thrown on', async (t) => {
  const { verifier } = await setUp(t);
  for (const value of [undefined, null, 1, {}, [], Buffer.from('a.b.c')]) {
    await refusedWith(t, Reflect.apply(verifier.verify, verifier, [value]), 'token_malformed');
  }
});

t.test('RFC 7519 §4.1.4: exp within the clock tolerance is accepted, at its edge not', async (t) => {
  const frozenMs = Math.floor(Date.now() / 1000) * 1000;
  const { server, verifier } = await setUp(t, { clock: () => frozenMs, clockToleranceSeconds: 5 });
  const now = frozenMs / 1000;
  t.ok(await verifier.verify(await server.token({ exp: now - 4 })));
  await refusedWith(t, verifier.verify(await server.token({ exp: now - 5 })), 'token_expired');
  t.ok(await verifier.verify(await server.token({ iat: now + 5 })));
  await refusedWith(t, verifier.verify(await server.token({ iat: now + 6 })), 'token_not_yet_valid');
  t.ok(await verifier.verify(await server.token({ nbf: now + 5 })));
});

t.test('maxTokenAgeSeconds refuses what was issued too long ago', async (t) => {
  const frozenMs = Math.floor(Date.now() / 1000) * 1000;
  const { server, verifier } = await setUp(t, { clock: () => frozenMs, maxTokenAgeSeconds: 60 });
  const now = frozenMs / 1000;
  t.ok(await verifier.verify(await server.token({ iat: now - 65 })), 'within the tolerance');
  await refusedWith(t, verifier.verify(await server.token({ iat: now - 66 })), 'token_too_old');
});

t.test('RFC 9068 §4: typ is compared without case, with or without application/', async (t) => {
  const { server, verifier } = await setUp(t);
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt'])
    t.ok(await verifier.verify(await server.token({}, { typ })));
});

t.test('algorithms can be narrowed', async (t) => {
  const { server, verifier } = await setUp(t, { algorithms: ['RS256'] });
  const rs256 = await newSigningKey('rsa-1', 'RS256');
  server.keys.push(rs256);
  t.ok(await verifier.verify(await server.token({}, {}, rs256)));
  await refusedWith(t, verifier.verify(await server.token()), 'algorithm_refused');
});

t.test('One of several audiences is enough, on either side', async (t) => {
  const { server, verifier } = await setUp(t, { audience: ['urn:example:films', 'urn:example:music'] });
  t.ok(await verifier.verify(await server.token({ aud: ['urn:example:books', 'urn:example:music'] })));
  await refusedWith(t, verifier.verify(await server.token()), 'audience_mismatch');
});

t.test('The claims come back as they are', async (t) => {
  const { server, verifier } = await setUp(t);
  const claims = server.claims({
    roles: ['editor'],
    permissions: ['books:read'],
    org_id: 'o1',
    plan: { tier: 2 },
  });
  const key = server.keys[0];
  if (!key) throw new Error('The fake server has no key');
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'at+jwt' })
    .sign(key.privateKey);
  t.strictSame(await verifier.verify(token), claims);
});
