// `npm run example:spa`: the token server with a demo user, and on another port the single-page app with its resource server.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '../..');
const dataDirectory = resolve(process.env.DATA_DIR || join(root, 'data/example-spa'));
const port = Number(process.env.PORT || 3000);
const pagePort = Number(process.env.PAGE_PORT || 5173);
const issuer = `http://localhost:${port}`;
const pageOrigin = `http://localhost:${pagePort}`;
const username = 'ada';
const serverEnv = {
  ...process.env,
  PORT: String(port),
  ISSUER: issuer,
  LOG_LEVEL: 'warn',
  DATA_DIR: dataDirectory,
  KEYS_DIR: join(dataDirectory, 'keys'),
  DATABASE_URL: '',
  REDIS_URL: '',
  // A minute, so that the silent refresh can be watched.
  ACCESS_TOKEN_TTL_SECONDS: '60',
};

mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
const server = startServer();
await ready();
await registerClient();
await registerUser();
const verifier = await createResourceServer();
createServer(servePage)
  .on('error', (error) => {
    console.error(`keyturn demo: ${error.message}`);
    process.exit(1);
  })
  .listen(pagePort, '127.0.0.1', () => {
    console.log(`\nThe demo is at ${pageOrigin}\n  user name  ${username}\n  password   ${password()}\n`);
  });

function startServer() {
  const child = spawn(process.execPath, [join(root, 'dist/main.js')], {
    env: serverEnv,
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
  const origin = ['--origin', pageOrigin];
  if (await keyturn('clients', 'show', 'spa')) return keyturn('clients', 'update', 'spa', ...origin);
  const grants = ['--grant', 'password', '--grant', 'refresh_token', '--scope', 'notes'];
  const delivery = ['--refresh-delivery', 'cookie'];
  return keyturn('clients', 'create', '--id', 'spa', '--type', 'public', ...grants, ...delivery, ...origin);
}

async function registerUser() {
  if (await keyturn('users', 'show', username)) return;
  const names = ['--email', 'ada@example.test', '--username', username];
  await keyturn('users', 'create', ...names, '--password-stdin');
}

/** The resource server follows the revocation feed with a client of its own. */
async function createResourceServer() {
  const { createVerifier } = await import('../../dist/verifier/index.js');
  const service = ['--type', 'confidential', '--grant', 'client_credentials', '--scope', 'revocations:read'];
  const known = await keyturn('clients', 'show', 'api');
  const client = known
    ? await keyturn('clients', 'rotate-secret', 'api')
    : await keyturn('clients', 'create', '--id', 'api', ...service);
  return createVerifier({
    issuer,
    audience: 'urn:keyturn:api',
    revocations: {
      follow: 'stream',
      clientId: 'api',
      clientSecret: client.client_secret,
      maxStalenessSeconds: 30,
      onStale: 'reject',
    },
  });
}

/** Runs the `keyturn` command, with the password on stdin. Answers its result, or undefined when it failed. */
async function keyturn(...args) {
  const command = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...args, '--json'], {
    env: serverEnv,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  command.stdin.end(password());
  const [output] = await Promise.all([text(command.stdout), once(command, 'close')]);
  return command.exitCode === 0 ? JSON.parse(output) : undefined;
}

/** The demo's password: made at the first start, kept with the demo's data. */
function password() {
  const file = join(dataDirectory, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(9).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
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
