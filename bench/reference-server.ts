/** What each figure is held against: a bare Fastify that does only the unavoidable. Listens on PORT, uses DATABASE_URL. */
import argon2 from 'argon2';
import fastify from 'fastify';
import { type CryptoKey, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';

const { PORT, DATABASE_URL, PASSWORD_HASH = '', CONSTANT = '' } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
// The database is dropped when the bench ends.
pool.on('error', () => undefined);
const { privateKey } = await generateKeyPair('ES256');

/** The effect of a refresh: the generation moves on, if it is the one presented; lineage and audit event are appended. */
const rotate = `
  WITH session AS (
    UPDATE sessions s SET generation = generation + 1, rotated_at = now(), last_used_at = now(),
      idle_expires_at = now() + interval '30 days', access_tokens_expire_at = now() + interval '15 minutes'
    FROM users u
    WHERE s.id = $1::uuid AND s.generation = $2::int AND s.revoked_at IS NULL AND u.id = s.user_id
    RETURNING s.id, s.user_id, s.client_id, s.generation, s.scope, u.roles, u.permissions, u.claims
  ), lineage AS (
    INSERT INTO refresh_tokens (session_id, generation) SELECT id, generation FROM session
  ), audit AS (
    INSERT INTO audit_events (type, actor, user_id, client_id, session_id)
    SELECT 'refresh', user_id::text, user_id::text, client_id, id::text FROM session
  )
  SELECT * FROM session`;

function sign(key: CryptoKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ scope: 'read write', client_id: 'bench', roles: ['r'], permissions: ['p'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'reference', typ: 'at+jwt' })
    .setIssuer('http://localhost')
    .setSubject('reference')
    .setAudience('urn:keyturn:api')
    .setIssuedAt(now)
    .setExpirationTime(now + 900)
    .setJti(crypto.randomUUID())
    .sign(key);
}

const app = fastify();
app.addContentTypeParser(
  'application/x-www-form-urlencoded',
  { parseAs: 'string' },
  (_request, body, done) => {
    done(null, new URLSearchParams(String(body)));
  },
);

app.post<{ Body: URLSearchParams }>('/refresh', async ({ body }) => {
  const values = [body.get('session'), body.get('generation')];
  const { rows } = await pool.query({ name: 'rotate', text: rotate, values });
  return { access_token: await sign(privateKey), token_type: 'Bearer', generation: rows[0].generation };
});
app.post('/sign', async () => ({
  access_token: await sign(privateKey),
  token_type: 'Bearer',
  expires_in: 900,
}));
// With the header fields that a key set must have.
app.get('/constant', (_request, reply) =>
  reply
    .header('cache-control', 'public, max-age=300')
    .header('etag', '"reference"')
    .header('access-control-allow-origin', '*')
    .type('application/json')
    .send(CONSTANT),
);
app.post<{ Body: URLSearchParams }>('/login', async ({ body }) => ({
  matches: await argon2.verify(PASSWORD_HASH, body.get('password') ?? ''),
}));

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
// A profile is written by a process that exits, not by one that is killed.
process.once('SIGTERM', () => process.exit());
