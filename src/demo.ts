/** What a first start on the embedded database shows: a user and two clients with random secrets, and how to use them. */
import type { AdminContext } from './admin/context.js';
import { operationNamed } from './admin/operations.js';
import { revocationsScope } from './oauth/scope.js';

interface Demo {
  username: string;
  password: string;
  /** A public client. */
  app: string;
  /** A confidential client. */
  service: string;
  serviceSecret: string;
}

const actor = 'server';

/** Makes the demo where there is neither user nor client yet, and answers how to use it; undefined on every later start. */
export async function demoOnFirstStart(admin: AdminContext, issuer: string): Promise<string | undefined> {
  return (await isFirstStart(admin)) ? instructions(await createDemo(admin), issuer) : undefined;
}

async function isFirstStart(admin: AdminContext): Promise<boolean> {
  const [users, clients] = await Promise.all([admin.users.list('', 1), admin.clients.list('', 1)]);
  return users.length === 0 && clients.length === 0;
}

async function createDemo(admin: AdminContext): Promise<Demo> {
  const username = 'demo@example.com';
  const password = admin.randomBytes(12).toString('base64url');
  const app = 'demo-app';
  const service = 'demo-service';
  await operationNamed('clients.create').run(
    admin,
    { client_id: app, type: 'public', grants: ['password', 'refresh_token'], scope: 'read write' },
    actor,
  );
  const created = await operationNamed('clients.create').run(
    admin,
    {
      client_id: service,
      type: 'confidential',
      grants: ['client_credentials'],
      scope: `read ${revocationsScope}`,
    },
    actor,
  );
  await operationNamed('users.create').run(admin, { email: username, username: 'demo', password }, actor);
  return {
    username,
    password,
    app,
    service,
    serviceSecret: (created as { client_secret: string }).client_secret,
  };
}

/** Each line can be pasted as it is, in this order, into one shell. */
function instructions({ username, password, app, service, serviceSecret }: Demo, issuer: string): string {
  const refreshToken = `$(printf %s "$TOKENS" | sed 's/.*"refresh_token":"\\([^"]*\\)".*/\\1/')`;
  return `
First start: a demo user and two demo clients were created. Their secrets are shown this once.

  user                 ${username}   password ${password}
  public client        ${app}
  confidential client  ${service}       secret   ${serviceSecret}

Log in:
TOKENS=$(curl -sS ${issuer}/token -d grant_type=password -d client_id=${app} -d username=${username} -d password=${password}); echo "$TOKENS"

Refresh:
TOKENS=$(curl -sS ${issuer}/token -d grant_type=refresh_token -d client_id=${app} -d "refresh_token=${refreshToken}"); echo "$TOKENS"

Revoke (log out):
curl -sS -i ${issuer}/revoke -d client_id=${app} -d "token=${refreshToken}"

A token for a service:
curl -sS -u ${service}:${serviceSecret} ${issuer}/token -d grant_type=client_credentials

The public keys, with which anybody verifies the tokens:
curl -sS ${issuer}/.well-known/jwks.json

Remove the demo: npx keyturn users delete ${username}; npx keyturn clients delete ${app}; npx keyturn clients delete ${service}

`;
}
