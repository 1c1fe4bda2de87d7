/**
 * The sessions of a client that has too many to end in one statement: a page in each commit, so that no statement takes long
 * and the lock on revocations is free in between.
 */
import type { Announce } from '../../clients/client-administration.js';
import { type Database, type Statement, statement } from './database.js';
import { type EntryRow, entryColumns, toEntry } from './revocation-rows.js';

const sessionsPerPage = 1_000;
const beforeAllIds = '00000000-0000-0000-0000-000000000000';

const count = statement<{ sessions: number }>(`
  SELECT count(*)::int AS sessions FROM (SELECT FROM sessions WHERE client_id = $1::text LIMIT $2::int) AS enough`);

type PageRow = { id: string };

const livePage = statement<PageRow>(`
  SELECT id::text AS id FROM sessions
  WHERE client_id = $1::text AND id > $2::uuid AND revoked_at IS NULL ORDER BY sessions.id LIMIT $3::int FOR UPDATE`);

// Only a session with an access token that may still be alive needs an entry.
const endPage: Statement<EntryRow> = statement(`
  WITH ended AS (
    UPDATE sessions SET revoked_at = now(), revoked_reason = $2::text WHERE id = ANY ($1::uuid[])
    RETURNING id, access_tokens_expire_at + make_interval(secs => $3::int) AS covered_until
  ), entry AS (
    INSERT INTO revocations (type, value, reason, expires_at)
    SELECT 'sid', id::text, $2::text, covered_until FROM ended WHERE covered_until > now()
    RETURNING *
  )
  SELECT ${entryColumns} FROM entry ORDER BY entry.position`);

// One that lives has begun since all were ended, at a client that was enabled meanwhile: its tokens have no entry yet.
const deletePage = statement<{ deleted: number }>(`
  WITH deleted AS (
    DELETE FROM sessions
    WHERE id IN (SELECT id FROM sessions WHERE client_id = $1::text AND revoked_at IS NOT NULL
      ORDER BY id LIMIT $2::int FOR UPDATE)
    RETURNING 1
  )
  SELECT count(*)::int AS deleted FROM deleted`);

export class SessionsOfClient {
  readonly #database: Database;
  readonly #clientId: string;
  readonly #clockToleranceSeconds: number;

  constructor(database: Database, clientId: string, settings: { clockToleranceSeconds: number }) {
    this.#database = database;
    this.#clientId = clientId;
    this.#clockToleranceSeconds = settings.clockToleranceSeconds;
  }

  /** Whether there are more than a page. */
  async areMany(): Promise<boolean> {
    const [row] = await this.#database.run(count, [this.#clientId, sessionsPerPage + 1]);
    return (row?.sessions ?? 0) > sessionsPerPage;
  }

  /** Ends those that have not ended. Answers how many. */
  async endAll(reason: string, announce: Announce): Promise<number> {
    let ended = 0;
    for (let after: string | undefined = beforeAllIds; after !== undefined; ) {
      const page = await this.#endAfter(after, reason);
      await announce(page.entries);
      ended += page.ids.length;
      after = page.ids.at(-1);
    }
    return ended;
  }

  #endAfter(id: string, reason: string) {
    return this.#database.transaction(async (queries) => {
      const rows = await queries.run(livePage, [this.#clientId, id, sessionsPerPage]);
      const ids = rows.map((row) => row.id);
      const entries = await queries.run(endPage, [ids, reason, this.#clockToleranceSeconds]);
      return { ids, entries: entries.map(toEntry) };
    });
  }

  /** Deletes those that have ended. */
  async deleteEnded(): Promise<void> {
    for (let deleted = sessionsPerPage; deleted === sessionsPerPage; ) {
      const [row] = await this.#database.run(deletePage, [this.#clientId, sessionsPerPage]);
      deleted = row?.deleted ?? 0;
    }
  }
}
