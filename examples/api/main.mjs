// Starts the example next to a running server: `npm run example:api`.
// Without KEYTURN_CLIENT_SECRET it makes its client, and a user to try it with, by the command line.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createVerifier } from 'keyturn/verifier';
import { loadConfig } from '../../dist/config.js';
import { readEnvironment } from '../../dist/environment.js';
import { buildApp } from './app.mjs';

// The server's own settings, `.env` included, say where it is.
const environment = readEnvironment(process.env);
const { issuer, defaultAudience } = loadConfig(environment);
const { API_PORT: port = '4000', AUDIENCE: audience = defaultAudience } = environment;
const clientId = process.env.KEYTURN_CLIENT_ID ?? 'books-api';
const appId = 'books-app';
const email = 'librarian@example.com';
const permissions = ['books:read', 'books:write', 'books:delete'];

await requireServer();
const clientSecret = process.env.KEYTURN_CLIENT_SECRET ?? (await prepareClient());
const verifier = createVerifier({
  issuer,
  audience,
  revocations: { follow: 'stream', clientId, clientSecret, maxStalenessSeconds: 30, onStale: 'reject' },
});
const app = buildApp(verifier);
const url = await app.listen({ port: Number(port), host: '127.0.0.1' });
console.log(`The book service listens on ${url}`);
if (!process.env.KEYTURN_CLIENT_SECRET) console.log(instructions(await prepareUser()));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await app.close();
    await verifier.close();
  });
}

/** Ends the process unless the server that these settings name answers there: another's tokens would all be refused. */
async function requireServer() {
  const url = `${issuer}/.well-known/oauth-authorization-server`;
  const metadata = await fetch(url).then(
    (answer) => answer.json().catch(() => ({})),
    () => undefined,
  );
  if (metadata?.issuer === issuer) return;
  const found = metadata ? `Another server answers on ${issuer}` : `No server answers on ${issuer}`;
  console.error(`${found}. Start keyturn with the same settings (PORT, ISSUER, .env) in another terminal.`);
  process.exit(1);
}

/** The secret of this API's client: a new client's, or a new one of the client there is. */
async function prepareClient() {
  const options = ['--type', 'confidential', '--grant', 'client_credentials', '--scope', 'revocations:read'];
  const made = await keyturn(['clients', 'create', '--id', clientId, ...options]).catch(() =>
    keyturn(['clients', 'rotate-secret', clientId]),
  );
  return made.client_secret;
}

/** A user with every permission on books, and an application to log in with. Answers the user's password. */
async function prepareUser() {
  const password = randomBytes(12).toString('base64url');
  const logins = ['--type', 'public', '--grant', 'password', '--grant', 'refresh_token', '--scope', 'read'];
  await keyturn(['clients', 'create', '--id', appId, ...logins]).catch(() => undefined);
  const grants = permissions.flatMap((permission) => ['--permission', permission]);
  await keyturn(['users', 'create', '--email', email, ...grants, '--password-stdin'], password).catch(() =>
    keyturn(['users', 'set-password', email, '--password-stdin'], password),
  );
  return password;
}

/** Runs the command line, and answers its JSON. */
function keyturn(args, input = '') {
  const cli = join(import.meta.dirname, '../../dist/cli/main.js');
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [cli, ...args, '--json'], (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout));
    });
    child.stdin.end(input);
  });
}

function instructions(password) {
  const login = `-d grant_type=password -d client_id=${appId} -d username=${email} -d password=${password}`;
  return `
TOKEN=$(curl -sS ${issuer}/token ${login} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -sS -H "Authorization: Bearer $TOKEN" ${url}/books
curl -sS -H "Authorization: Bearer $TOKEN" ${url}/books -H 'Content-Type: application/json' -d '{"title":"Emma","author":"Jane Austen"}'
curl -sS ${issuer}/revoke -d client_id=${appId} -d token=$TOKEN
curl -sS -i -H "Authorization: Bearer $TOKEN" ${url}/books
`;
}
