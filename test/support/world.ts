/** A running server with a user, a public client for logins and a confidential one: what most suites begin with. */
import type { AccessToken } from '../../src/tokens/access-token.js';
import { type Answer, basic, type Form, type Headers, type HttpClient } from './http-client.js';
import { type SeededClient, type SeededUser, seedClient, seedUser } from './seed.js';
import { type RunningServer, type ServerOptions, startServer } from './server.js';
import type { Scope } from './services.js';

export class World {
  readonly server: RunningServer;
  readonly user: SeededUser;
  /** Public: `password` and `refresh_token`, scopes `read` and `write`. */
  readonly app: SeededClient;
  /** Confidential: `client_credentials`, scopes `read` and `write`. */
  readonly service: SeededClient;

  constructor(server: RunningServer, user: SeededUser, app: SeededClient, service: SeededClient) {
    this.server = server;
    this.user = user;
    this.app = app;
    this.service = service;
  }

  get serviceHeaders(): Headers {
    return basic(this.service.id, this.service.secret);
  }

  /** A login by the user through the app; `form` replaces parameters. */
  login(form: Form = {}, at: HttpClient = this.server): Promise<Answer> {
    const { email, password } = this.user;
    const login = { grant_type: 'password', username: email, password, client_id: this.app.id };
    return at.token({ ...login, ...form });
  }

  /** A refresh by the app. */
  refresh(refreshToken: string, form: Form = {}, at: HttpClient = this.server): Promise<Answer> {
    return at.refresh(refreshToken, { client_id: this.app.id, ...form });
  }

  /** A revocation by the app. */
  revoke(token: string, form: Form = {}, at: HttpClient = this.server): Promise<Answer> {
    return at.revoke(token, { client_id: this.app.id, ...form });
  }

  /** Whether the server calls an access token active, asked by the service. */
  async isActive(accessToken: string, at: HttpClient = this.server): Promise<boolean> {
    const answer = await at.introspect(accessToken, this.serviceHeaders);
    if (answer.status !== 200) throw new Error(`introspection answered ${answer.status}: ${answer.text}`);
    return answer.body.active;
  }
}

export async function startWorld(t: Scope, options?: ServerOptions): Promise<World> {
  const server = await startServer(t, options);
  const user = await seedUser(server.database);
  const app = await seedClient(server.database);
  const service = await seedClient(server.database, { type: 'confidential' });
  return new World(server, user, app, service);
}

/** The claims of an access token, unverified. */
export function claimsOf(accessToken: string): AccessToken {
  return part(accessToken, 1);
}

export function headerOf(accessToken: string): Record<string, string> {
  return part(accessToken, 0);
}

function part(token: string, index: number) {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8'));
}
