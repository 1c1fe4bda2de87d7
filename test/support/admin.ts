/** The admin API, called as an admin's program would. */
import { type Answer, basic } from './http-client.js';
import { seedClient } from './seed.js';
import type { RunningServer } from './server.js';

type Call = (method: string, path: string, body?: object) => Promise<Answer>;

/** Logs an admin client in. Paths begin after `/admin`. */
export async function adminApi(server: RunningServer): Promise<Call> {
  const client = await seedClient(server.database, { type: 'confidential', scope: ['keyturn:admin'] });
  const login = await server.token(
    { grant_type: 'client_credentials', scope: 'keyturn:admin' },
    basic(client.id, client.secret),
  );
  const authorization = `Bearer ${login.body.access_token}`;
  return (method, path, body) =>
    server.send(`/admin${path}`, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
}
