// Verifiers that know nothing of keyturn take its tokens, and docs/verifying.md says how: the snippets there are these files.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { atBest } from '../support/undisturbed.js';
import { startWorld, type World } from '../support/world.js';
import { FakeServer, AUDIENCE as fakeAudience } from './fake-server.js';

const AUDIENCE = 'urn:keyturn:api';
const folder = resolve(import.meta.dirname, '../../examples/verifying');

type Verify = (token: string) => Promise<unknown>;

const world = await startWorld(t);
const issuer = world.server.settings.ISSUER ?? '';
// NODE_ENV: or Express prints every refusal.
Object.assign(process.env, { ISSUER: issuer, AUDIENCE, NODE_ENV: 'test' });

async function accessToken({ server, serviceHeaders }: World): Promise<string> {
  return (await server.token({ grant_type: 'client_credentials' }, serviceHeaders)).body.access_token;
}

const byFunction = async (file: string): Promise<Verify> => (await import(join(folder, file))).verify;

/** An application that answers 200 to whoever it lets in. */
async function byApplication(file: string): Promise<Verify> {
  const app = (await import(join(folder, file))).buildApp();
  const server = file.startsWith('express') ? app.listen(0) : app.server;
  if (server === app.server) await app.listen({ port: 0 });
  t.teardown(() => server.close());
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return async (token) => {
    const answer = await fetch(`http://localhost:${port}/`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  };
}

/** The system's own, which sees the packages of the distribution. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

const byPython =
  (module: string, environment: NodeJS.ProcessEnv = {}): Verify =>
  async (token) => {
    const script = `import sys; from ${module} import verify; print(verify(sys.stdin.read())["sub"])`;
    const env = { ...process.env, ...environment };
    const child = promisify(execFile)(python, ['-c', script], { cwd: folder, env });
    child.child.stdin?.end(token);
    return child;
  };

async function hasPython(module: string): Promise<boolean> {
  return promisify(execFile)(python, ['-c', `import ${module}, cryptography`]).then(
    () => true,
    () => false,
  );
}

const verifiers: Record<string, () => Promise<Verify | undefined>> = {
  'jose.mjs': () => byFunction('jose.mjs'),
  'jwks-rsa.mjs': () => byFunction('jwks-rsa.mjs'),
  'get-jwks.mjs': () => byApplication('get-jwks.mjs'),
  'express-oauth2-jwt-bearer.mjs': () => byApplication('express-oauth2-jwt-bearer.mjs'),
  'verify_pyjwt.py': async () => ((await hasPython('jwt')) ? byPython('verify_pyjwt') : undefined),
  'verify_authlib.py': async () => ((await hasPython('authlib')) ? byPython('verify_authlib') : undefined),
};

/** Signed by the server, but not for us; not signed by the server; not whole. */
async function badTokens(): Promise<Record<string, string>> {
  const [header, payload, signature = ''] = (await accessToken(world)).split('.');
  const forged = { ...JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()), sub: 'somebody-else' };
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
  return {
    'another payload': `${header}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${signature}`,
    'no signature': `${none}.${payload}.`,
    'another signature': `${header}.${payload}.${'A'.repeat(signature.length)}`,
  };
}

for (const [file, make] of Object.entries(verifiers)) {
  t.test(file, async (t) => {
    const page = readFileSync(resolve(folder, '../../docs/verifying.md'), 'utf8');
    t.ok(
      page.includes(readFileSync(join(folder, file), 'utf8').trim()),
      'docs/verifying.md shows this very file',
    );
    const verify = await make();
    if (!verify) return t.comment('this machine lacks the Python package');
    const token = await accessToken(world);
    await t.resolves(verify(token), 'a good token is accepted');
    for (const [title, bad] of Object.entries(await badTokens())) await t.rejects(verify(bad), title);
    await world.server.revoke(token, {}, world.serviceHeaders);
    await t.resolves(
      verify(token),
      'a revoked token is still accepted: only the feed or introspection knows',
    );
  });
}

for (const [module, dependency] of [
  ['verify_pyjwt', 'jwt'],
  ['verify_authlib', 'authlib'],
] as const) {
  t.test(`${module}: a fresh token is accepted where the clock is 2 seconds behind`, async (t) => {
    if (!(await hasPython(dependency))) return t.comment('this machine lacks the Python package');
    const server = await FakeServer.start();
    t.teardown(() => server.stop());
    const verify = byPython(module, { ISSUER: server.issuer, AUDIENCE: fakeAudience });
    // Issued ahead of the verifier's clock, however long the interpreter takes to start.
    const verifiedWithin = async () => {
      const startedAt = performance.now();
      const token = await server.token({ iat: Math.floor(Date.now() / 1000) + 4 });
      const accepted = await verify(token).then(
        () => true,
        () => false,
      );
      return { accepted, isAhead: performance.now() - startedAt < 2_000 };
    };
    const tried = await atBest(verifiedWithin, ({ isAhead }) => isAhead);
    t.ok(tried.accepted);
  });
}
