// `npm run example:spa`: the token server with a demo user, and on another port the single-page app with its resource server.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepare } from '../../scripts/prepare.mjs';

const root = join(import.meta.dirname, '../..');
const dataDirectory = resolve(process.env.DATA_DIR || join(root, 'data/example-spa'));
const port = Number(process.env.PORT || 3000);
const pagePort = Number(process.env.PAGE_PORT || 5173);
const issuer = `http://localhost:${port}`;
const pageOrigin = `http://localhost:${pagePort}`;
const username = 'ada';

prepare();
mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
const server = startServer();
await ready();
await registerClient();
await registerUser();
const verifier = await createResourceServer();
createServer(servePage).listen(pagePort, '127.0.0.1', () => {
  console.log(`\nThe demo is at ${pageOrigin}\n  user name  ${username}\n  password   ${password()}\n`);
});

/** Access tokens of a minute, so that the silent refresh can be watched. */
function startServer() {
  const env = {
    ...process.env,
    ...{ PORT: String(port), ISSUER: issuer, LOG_LEVEL: 'warn', ACCESS_TOKEN_TTL_SECONDS: '60' },
    ...{ DATA_DIR: dataDirectory, KEYS_DIR: join(dataDirectory, 'keys') },
  };
  const child = spawn(process.execPath, [join(root, 'dist/main.js')], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  child.on('exit', (code) => process.exit(code ?? 1));
  process.on('exit', () => child.kill());
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill());
  return child;
}

async function ready() {
  while (server.exitCode === null) {
    const answer = await fetch(`${issuer}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
}

async function registerClient() {
  const profile = { origins: [pageOrigin], grants: ['password', 'refresh_token'], scope: 'notes' };
  const cookie = { refresh_delivery: 'cookie' };
  const { status } = await admin('POST', '/clients', {
    client_id: 'spa',
    type: 'public',
    ...profile,
    ...cookie,
  });
  if (status === 409) await admin('PATCH', '/clients/spa', profile);
}

async function registerUser() {
  await admin('POST', '/users', { email: 'ada@example.test', username, password: password() });
}

/** The resource server follows the revocation feed with a client of its own. */
async function createResourceServer() {
  const { createVerifier } = await import('../../dist/verifier/index.js');
  const client = {
    client_id: 'api',
    type: 'confidential',
    grants: ['client_credentials'],
    scope: 'revocations:read',
  };
  const created = await admin('POST', '/clients', client);
  const { body } = created.status === 409 ? await admin('POST', '/clients/api/rotate-secret') : created;
  return createVerifier({
    issuer,
    audience: 'urn:keyturn:api',
    revocations: {
      ...{ follow: 'stream', clientId: 'api', clientSecret: body.client_secret },
      ...{ maxStalenessSeconds: 30, onStale: 'reject' },
    },
  });
}

/** The demo's password: made at the first start, kept with the demo's data. */
function password() {
  const file = join(dataDirectory, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(9).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

/** An admin operation, over the server's local socket. */
function admin(method, path, input = {}) {
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: join(dataDirectory, 'admin.sock'),
      path: `/admin${path}`,
      method,
      headers: { 'Content-Type': 'application/json' },
    };
    const call = request(options, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString();
      if (answer.statusCode < 400 || answer.statusCode === 409) {
        resolve({ status: answer.statusCode, body: JSON.parse(text) });
      } else {
        reject(new Error(`${method} ${path}: ${text}`));
      }
    });
    call.on('error', reject);
    call.end(JSON.stringify(input));
  });
}

const types = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
};

async function servePage(incoming, outgoing) {
  const path = new URL(incoming.url, pageOrigin).pathname;
  if (path === '/api/hello') return hello(incoming, outgoing);
  if (path === '/config.json') return send(outgoing, 200, path, JSON.stringify({ issuer, clientId: 'spa' }));
  const name = path === '/' ? 'index.html' : path.slice(1);
  // One level of plain names: nothing outside the two folders can be named.
  if (!/^(lib\/)?[a-z-]+\.[a-z]+$/.test(name)) return send(outgoing, 404, '.html', 'Not found');
  const folder = name.startsWith('lib/') ? '../../dist/browser' : 'public';
  const file = join(import.meta.dirname, folder, name.replace('lib/', ''));
  await readFile(file).then(
    (content) => send(outgoing, 200, name, content),
    () => send(outgoing, 404, '.html', 'Not found'),
  );
}

/** The protected call. The token is verified here, without asking the token server. */
async function hello(incoming, outgoing) {
  try {
    const { sub, sid, scope, exp } = await verifier.authenticate(incoming.headers.authorization);
    send(
      outgoing,
      200,
      '.json',
      JSON.stringify({ hello: sub, session: sid, scope, expires_at: exp }, undefined, 2),
    );
  } catch (error) {
    outgoing.setHeader('WWW-Authenticate', error.wwwAuthenticate ?? 'Bearer');
    send(outgoing, error.status ?? 500, '.json', JSON.stringify({ error: error.code ?? 'server_error' }));
  }
}

function send(outgoing, status, name, content) {
  const policy = `default-src 'self'; connect-src 'self' ${issuer}; img-src 'self' data:`;
  outgoing.writeHead(status, {
    'Content-Type': `${types[extname(name)] ?? 'text/plain'}; charset=utf-8`,
    'Content-Security-Policy': `${policy}; frame-ancestors 'none'`,
    'Cache-Control': 'no-cache',
  });
  outgoing.end(content);
}
