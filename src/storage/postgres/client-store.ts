/** Clients as the hot paths read them: by statement, so that a server without admin traffic never loads the ORM's engine. */
import type { Client, ClientStore } from '../../clients/client.js';
import { type Database, statement } from './database.js';
import type { Client as ClientRecord } from './generated/client.js';

/** The columns of `clients` as {@link toClient} takes them. */
export const clientColumns = `id, type, secret_hash AS "secretHash", grants, scope, audiences, origins,
  refresh_delivery AS "refreshDelivery", cookie_same_site AS "cookieSameSite", disabled_at AS "disabledAt",
  revoked_before AS "revokedBefore", created_at AS "createdAt", updated_at AS "updatedAt"`;

const find = statement<ClientRecord>(`SELECT ${clientColumns} FROM clients WHERE id = $1::text`);

const origins = statement<{ value: string }>(
  'SELECT DISTINCT unnest(origins) AS value FROM clients WHERE disabled_at IS NULL',
);

const grants = statement<{ value: string }>(
  'SELECT DISTINCT unnest(grants) AS value FROM clients WHERE disabled_at IS NULL',
);

export class PostgresClientStore implements ClientStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(id: string): Promise<Client | undefined> {
    const [record] = await this.#database.run(find, [id]);
    return record && toClient(record);
  }

  async origins(): Promise<string[]> {
    return (await this.#database.run(origins, [])).map((row) => row.value);
  }

  async grants(): Promise<string[]> {
    return (await this.#database.run(grants, [])).map((row) => row.value);
  }
}

export function toClient(record: ClientRecord): Client {
  return {
    ...record,
    type: record.type === 'confidential' ? 'confidential' : 'public',
    refreshDelivery: record.refreshDelivery === 'cookie' ? 'cookie' : 'body',
    cookieSameSite: record.cookieSameSite === 'none' ? 'none' : 'strict',
  };
}
