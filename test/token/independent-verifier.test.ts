/** Tokens are verified by a process that knows nothing but the issuer's URL: RFC 8414, RFC 7517, RFC 9068 §4. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startWorld } from '../support/world.js';

const script = fileURLToPath(new URL('independent-verifier.mjs', import.meta.url));
const audience = 'urn:keyturn:api';

interface Verdict {
  ok: boolean;
  output: string;
}

async function verifyElsewhere(issuer: string, token: string, expected = audience): Promise<Verdict> {
  const child = spawn(process.execPath, [script, issuer, expected], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(token);
  const [output, complaint, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  return { ok: code === 0, output: code === 0 ? output : complaint };
}

for (const alg of ['ES256', 'RS256']) {
  t.test(alg, async (t) => {
    const world = await startWorld(t, { settings: { SIGNING_ALG: alg } });
    const issuer = world.server.url;
    const { body } = await world.login();

    const verdict = await verifyElsewhere(issuer, body.access_token);
    t.ok(verdict.ok, verdict.output);
    const { payload, protectedHeader } = JSON.parse(verdict.output);
    t.equal(protectedHeader.alg, alg);
    t.equal(payload.sub, world.user.id);

    const [head, claims, signature = ''] = body.access_token.split('.');
    const forged = `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    t.match((await verifyElsewhere(issuer, forged)).output, /signature verification failed/);
    t.match((await verifyElsewhere(issuer, body.access_token, 'urn:other')).output, /unexpected "aud"/);
    t.notOk((await verifyElsewhere(issuer, body.refresh_token)).ok, 'a refresh token is no access token');
  });
}
