/** Where DATABASE_URL leads, and what of it reaches the driver. */
import pg from 'pg';
import { schemaOf } from '../../../database-url.js';
import { serverSettings, withoutTimeLimits } from './settings.js';

export interface Target {
  /** For the driver. */
  connection: pg.ClientConfig;
  /** Where the tables are. */
  schema: string;
  /** What every connection sets for itself. */
  settings: string;
  /** For people: host and port, user and database. Never the password. */
  address: string;
  user: string;
  database: string;
}

/**
 * What may stand in the URL: where the server is, how to get in, TLS, and PostgreSQL's own options. Anything else would reach
 * the driver as its configuration, in place of ours.
 */
const parameters = new Set([
  ...['host', 'port', 'user', 'password', 'options', 'application_name'],
  ...['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat'],
]);

// One after the other, connecting and a statement stay under what clients and proxies wait for.
export const connectTimeoutMilliseconds = 1_500;
export const statementTimeoutMilliseconds = 3_000;

/** Throws an Error that names the setting when a file that it names cannot be read. */
export function targetOf(databaseUrl: string): Target {
  const url = new URL(databaseUrl);
  for (const name of [...url.searchParams.keys()]) if (!parameters.has(name)) url.searchParams.delete(name);
  const connection = {
    connectionString: url.href,
    application_name: 'keyturn',
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMilliseconds,
  };
  const { host, port, user = '', database = '' } = clientFor(connection);
  const schema = schemaOf(databaseUrl);
  const address = host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { connection, schema, settings: serverSettings(schema), address, user, database };
}

function clientFor(connection: pg.ClientConfig): pg.Client {
  try {
    return new pg.Client(connection);
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    throw new Error(`DATABASE_URL: ${path ? `${path} cannot be read (${code})` : message}`);
  }
}

/** A connection of one's own, which may wait for as long as it takes. */
export async function connectTo({ connection, settings }: Target): Promise<pg.Client> {
  const client = new pg.Client(connection);
  // Whatever runs on it says so too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await briefly(client, `${settings}; ${withoutTimeLimits}`);
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

/** For what waits for nobody: a server that has fallen silent does not hold it up for ever. */
export async function briefly(client: pg.Client, text: string): Promise<pg.QueryResult> {
  return client.query({ text, query_timeout: statementTimeoutMilliseconds } as pg.QueryConfig);
}
