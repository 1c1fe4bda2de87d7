import type { Client, ClientStore } from '../../clients/client.js';
import type { Database } from './database.js';
import type { Client as ClientRecord } from './generated/client.js';

export class PostgresClientStore implements ClientStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(id: string): Promise<Client | undefined> {
    const record = await this.#database.prisma.client.findUnique({ where: { id } });
    return record ? toClient(record) : undefined;
  }

  async origins(): Promise<string[]> {
    const records = await this.#enabled({ origins: true });
    return [...new Set(records.flatMap((record) => record.origins))];
  }

  async grants(): Promise<string[]> {
    const records = await this.#enabled({ grants: true });
    return [...new Set(records.flatMap((record) => record.grants))];
  }

  #enabled<S extends { origins: true } | { grants: true }>(select: S) {
    return this.#database.prisma.client.findMany({ where: { disabledAt: null }, select });
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
