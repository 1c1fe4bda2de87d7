import { isDeepStrictEqual } from 'node:util';
import type { AuditEventType } from '../../audit.js';
import type { Announce } from '../../blocklist/blocklist.js';
import type { Client } from '../../clients/client.js';
import type {
  ClientAdministration,
  ClientDraft,
  ClientEnding,
  ClientProfile,
  EndedClient,
} from '../../clients/client-administration.js';
import { clientFreshMilliseconds } from '../../clients/client-registry.js';
import { longestAccessTokenTtlSeconds } from '../../config.js';
import { recordEvent } from './audit-log.js';
import { clientColumns, toClient } from './client-store.js';
import { type Database, statement } from './database.js';
import type { Client as ClientRecord } from './generated/client.js';
import { SessionsOfSubject } from './sessions-of-subject.js';
import { revokeClient } from './subject-revocation.js';

const find = statement<ClientRecord>(`SELECT ${clientColumns} FROM clients WHERE id = $1::text`);
const findForUpdate = statement<ClientRecord>(
  `SELECT ${clientColumns} FROM clients WHERE id = $1::text FOR UPDATE`,
);
const list = statement<ClientRecord>(
  `SELECT ${clientColumns} FROM clients WHERE id > $1::text ORDER BY id LIMIT $2::int`,
);

// A client of the same name may have been deleted: what was revoked of it stays revoked.
const insert = statement<ClientRecord>(`
  INSERT INTO clients (id, grants, scope, audiences, origins, refresh_delivery, cookie_same_site, type, secret_hash,
    revoked_before, updated_at)
  SELECT $1::text, $2::text[], $3::text[], $4::text[], $5::text[], $6::text, $7::text, $8::text, $9::bytea,
    (SELECT max(before) FROM revocations WHERE type = 'sub' AND value = $1::text), now()
  ON CONFLICT DO NOTHING
  RETURNING ${clientColumns}`);

const update = statement<ClientRecord>(`
  UPDATE clients SET grants = $2::text[], scope = $3::text[], audiences = $4::text[], origins = $5::text[],
    refresh_delivery = $6::text, cookie_same_site = $7::text, updated_at = now()
  WHERE id = $1::text RETURNING ${clientColumns}`);

const replaceSecret = statement<ClientRecord>(`
  UPDATE clients SET secret_hash = $2::bytea, updated_at = now() WHERE id = $1::text RETURNING ${clientColumns}`);

const enable = statement<ClientRecord>(`
  UPDATE clients SET disabled_at = NULL, updated_at = now() WHERE id = $1::text RETURNING ${clientColumns}`);

// Other instances may serve the client from memory for as long as `$2` says: what they issue meanwhile is revoked too.
const end = statement<ClientRecord>(`
  UPDATE clients SET disabled_at = coalesce(disabled_at, now()), updated_at = now(),
    revoked_before = greatest(revoked_before, clock_timestamp() + make_interval(secs => $2::float8))
  WHERE id = $1::text RETURNING ${clientColumns}`);

const remove = statement('DELETE FROM clients WHERE id = $1::text');

export interface ClientAdministrationSettings {
  clockToleranceSeconds: number;
}

export class PostgresClientAdministration implements ClientAdministration {
  readonly #database: Database;
  readonly #settings: ClientAdministrationSettings;

  constructor(database: Database, settings: ClientAdministrationSettings) {
    this.#database = database;
    this.#settings = settings;
  }

  create(draft: ClientDraft, actor: string): Promise<Client | 'taken'> {
    return this.#database.transaction(async (queries) => {
      const values = [...columnsOf(draft.id, draft), draft.type, draft.secretHash];
      const [record] = await queries.run(insert, values);
      if (!record) return 'taken';
      await recordEvent(queries, { type: 'client_created', actor, clientId: draft.id });
      return toClient(record);
    });
  }

  async find(id: string): Promise<Client | undefined> {
    return firstClient(await this.#database.run(find, [id]));
  }

  async list(afterId: string, limit: number): Promise<Client[]> {
    return (await this.#database.run(list, [afterId, limit])).map(toClient);
  }

  update(id: string, change: (client: Client) => ClientProfile, actor: string): Promise<Client | undefined> {
    return this.#database.transaction(async (queries) => {
      const client = firstClient(await queries.run(findForUpdate, [id]));
      if (!client) return undefined;
      const changed = change(client);
      const updated = firstClient(await queries.run(update, columnsOf(id, changed)));
      const detail = { changed: changedMembers(client, changed) };
      await recordEvent(queries, { type: 'client_updated', actor, clientId: id, detail });
      return updated;
    });
  }

  replaceSecret(id: string, secretHash: Uint8Array, actor: string): Promise<Client | undefined> {
    return this.#change(replaceSecret, [id, secretHash], 'client_secret_rotated', actor);
  }

  enable(id: string, actor: string): Promise<Client | undefined> {
    return this.#change(enable, [id], 'client_enabled', actor);
  }

  async end(
    id: string,
    ending: ClientEnding,
    actor: string,
    announce: Announce,
  ): Promise<EndedClient | undefined> {
    const sessions = new SessionsOfSubject(this.#database, { kind: 'client', id }, this.#settings);
    let endedBefore = 0;
    if (await sessions.areMany({ ended: ending === 'client_deleted' })) {
      // So that no more of them begin.
      await this.#change(end, [id, clientFreshMilliseconds / 1000], 'client_disabled', actor);
      endedBefore = await sessions.endAll(ending, announce);
      if (ending === 'client_deleted') await sessions.deleteEnded();
    }
    const ended = await this.#end(id, ending, actor, endedBefore);
    if (!ended) return undefined;
    await announce(ended.entries);
    return { client: ended.client, endedSessions: ended.endedSessions };
  }

  #end(id: string, ending: ClientEnding, actor: string, endedBefore: number) {
    return this.#database.transaction(async (queries) => {
      if ((await queries.run(findForUpdate, [id])).length === 0) return undefined;
      const client = firstClient(await queries.run(end, [id, clientFreshMilliseconds / 1000]));
      if (!client?.revokedBefore) throw new Error('a locked row was not updated');
      const ended = await revokeClient(queries, {
        subject: id,
        reason: ending,
        before: client.revokedBefore,
        longestTokenSeconds: longestAccessTokenTtlSeconds,
        clockToleranceSeconds: this.#settings.clockToleranceSeconds,
        deletes: ending === 'client_deleted',
      });
      if (ending === 'client_deleted') await queries.run(remove, [id]);
      const endedSessions = endedBefore + ended.endedSessions;
      const detail = { ended_sessions: endedSessions };
      await recordEvent(queries, { type: ending, actor, clientId: id, detail });
      return { client, endedSessions, entries: ended.entries };
    });
  }

  #change(query: typeof enable, values: [id: string, ...unknown[]], type: AuditEventType, actor: string) {
    return this.#database.transaction(async (queries) => {
      const client = firstClient(await queries.run(query, values));
      if (client) await recordEvent(queries, { type, actor, clientId: values[0] });
      return client;
    });
  }
}

/** What differs, by its name outside. */
function changedMembers(before: ClientProfile, after: ClientProfile): string[] {
  const members: [name: string, before: unknown, after: unknown][] = [
    ['grants', before.grants, after.grants],
    ['scope', before.scope, after.scope],
    ['audiences', before.audiences, after.audiences],
    ['origins', before.origins, after.origins],
    ['refresh_delivery', before.refreshDelivery, after.refreshDelivery],
    ['cookie_same_site', before.cookieSameSite, after.cookieSameSite],
  ];
  return members.filter(([, was, is]) => !isDeepStrictEqual(was, is)).map(([name]) => name);
}

function columnsOf(id: string, profile: ClientProfile): unknown[] {
  const { grants, scope, audiences, origins, refreshDelivery, cookieSameSite } = profile;
  return [id, grants, scope, audiences, origins, refreshDelivery, cookieSameSite];
}

function firstClient(records: ClientRecord[]): Client | undefined {
  return records[0] && toClient(records[0]);
}
