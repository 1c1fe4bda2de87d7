/** The servers under measurement and what they need: a database, a user, two clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import argon2 from 'argon2';
import { freePort } from '../test/support/ports.js';
import { seedClient, seedUser } from '../test/support/seed.js';
import { openTestDatabase, testDatabase } from '../test/support/services.js';
import { Connection, type HttpAnswer, type HttpRequest } from './load.js';
import { type Measured, startProcess } from './processes.js';

const root = join(import.meta.dirname, '..');
const argon2Settings = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const password = 'correct horse battery staple';

const cleanUps: (() => unknown)[] = [];
export const scope = { teardown: (clean: () => unknown) => cleanUps.unshift(clean) };

/** A fresh database with a user and two clients, and keys. */
export interface Prepared {
  /** For keyturn. */
  env: Record<string, string>;
  passwordHash: string;
  app: string;
  service: { id: string; secret: string };
  username: string;
}

/** Both servers, running. */
export interface Bench extends Prepared {
  reference: Measured;
  keyturn: Measured;
}

export async function prepare(): Promise<Prepared> {
  const directory = mkdtempSync(join(tmpdir(), 'keyturn-bench-'));
  scope.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const databaseUrl = await testDatabase(scope);
  const passwordHash = await argon2.hash(password, argon2Settings);
  const database = openTestDatabase(databaseUrl);
  const user = await seedUser(database, { passwordHash, roles: ['r'], permissions: ['p'] });
  const app = await seedClient(database);
  const service = await seedClient(database, { type: 'confidential' });
  await database.close();
  const env = { DATABASE_URL: databaseUrl, KEYS_DIR: join(directory, 'keys') };
  return { env, passwordHash, app: app.id, service, username: user.email };
}

/** `nodeArguments` are for the process of each. */
export async function startBoth(
  prepared: Prepared,
  nodeArguments: Record<'reference' | 'keyturn', string[]>,
): Promise<Bench> {
  const keyturn = await startKeyturn(prepared.env, nodeArguments.keyturn);
  const jwks = await (await fetch(`http://127.0.0.1:${keyturn.port}/.well-known/jwks.json`)).text();
  const reference = await startProcess(
    [...nodeArguments.reference, '--import=tsx', join(root, 'bench/reference-server.ts')],
    {
      PORT: String(await freePort()),
      DATABASE_URL: prepared.env.DATABASE_URL ?? '',
      PASSWORD_HASH: prepared.passwordHash,
      CONSTANT: jwks,
    },
    '/constant',
  );
  return { ...prepared, reference, keyturn };
}

/** As built: `dist`, plain Node.js. */
export async function startKeyturn(
  env: Record<string, string>,
  nodeArguments: string[] = [],
): Promise<Measured> {
  const settings = { LOG_LEVEL: 'warn', LOGIN_RATE_PER_MINUTE: '1000000', PASSWORD_HASH_QUEUE: '1000' };
  const server = await startProcess(
    [...nodeArguments, join(root, 'dist/main.js')],
    { ...settings, PORT: String(await freePort()), ...env },
    '/health/ready',
  );
  scope.teardown(() => server.stop());
  return server;
}

export function loginRequest({ app, username }: Bench): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'password', client_id: app, username, password });
  return { method: 'POST', path: '/token', body: form.toString() };
}

export async function logIn(bench: Bench): Promise<HttpAnswer> {
  const connection = await Connection.open(bench.keyturn.port);
  const answer = await connection.send(loginRequest(bench));
  connection.close();
  return answer;
}

/** Stops what was started and removes what was made. */
export async function cleanUp(): Promise<void> {
  for (const clean of cleanUps) await clean();
}
