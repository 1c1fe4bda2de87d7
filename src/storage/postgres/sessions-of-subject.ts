/**
 * The sessions of a user or client that has too many to end in one statement: a page in each commit, so that no statement takes
 * long and the lock on revocations is free in between.
 */
import type { Announce } from '../../blocklist/blocklist.js';
import { type Database, type Statement, statement } from './database.js';
import { type EntryRow, entryColumns, entryReturning, toEntry } from './revocation-rows.js';
import { sessionsPerPage } from './session-revocation.js';

const beforeAllIds = '00000000-0000-0000-0000-000000000000';

type PageRow = { id: string };

interface Statements {
  count: Statement<{ sessions: number }>;
  livePage: Statement<PageRow>;
  deletePage: Statement<{ deleted: number }>;
}

function statementsFor(ofSubject: string): Statements {
  return {
    count: statement(`
      SELECT count(*)::int AS sessions FROM (
        SELECT FROM sessions WHERE ${ofSubject} AND (revoked_at IS NULL OR $2::boolean) LIMIT $3::int) AS enough`),
    livePage: statement(`
      SELECT id::text AS id FROM sessions
      WHERE ${ofSubject} AND id > $2::uuid AND revoked_at IS NULL ORDER BY sessions.id LIMIT $3::int FOR UPDATE`),
    // One that lives has begun since all were ended, at a client that was enabled meanwhile: its tokens have no entry yet.
    deletePage: statement(`
      WITH deleted AS (
        DELETE FROM sessions
        WHERE id IN (SELECT id FROM sessions WHERE ${ofSubject} AND revoked_at IS NOT NULL
          ORDER BY id LIMIT $2::int FOR UPDATE)
        RETURNING 1
      )
      SELECT count(*)::int AS deleted FROM deleted`),
  };
}

const statements = {
  user: statementsFor('user_id = $1::uuid'),
  client: statementsFor('client_id = $1::text'),
};

// Only a session with an access token that may still be alive needs an entry.
const endPage: Statement<EntryRow> = statement(`
  WITH ended AS (
    UPDATE sessions SET revoked_at = now(), revoked_reason = $2::text WHERE id = ANY ($1::uuid[])
    RETURNING id, access_tokens_expire_at + make_interval(secs => $3::int) AS covered_until
  ), entry AS (
    INSERT INTO revocations (type, value, reason, expires_at)
    SELECT 'sid', id::text, $2::text, covered_until FROM ended WHERE covered_until > now()
    RETURNING ${entryReturning}
  )
  SELECT ${entryColumns} FROM entry ORDER BY entry.position`);

export interface Subject {
  kind: 'user' | 'client';
  id: string;
}

export class SessionsOfSubject {
  readonly #database: Database;
  readonly #id: string;
  readonly #statements: Statements;
  readonly #clockToleranceSeconds: number;

  constructor(database: Database, { kind, id }: Subject, settings: { clockToleranceSeconds: number }) {
    this.#database = database;
    this.#id = id;
    this.#statements = statements[kind];
    this.#clockToleranceSeconds = settings.clockToleranceSeconds;
  }

  /** Whether there are more than a page, those that have ended included or not. */
  async areMany({ ended }: { ended: boolean }): Promise<boolean> {
    const [row] = await this.#database.run(this.#statements.count, [this.#id, ended, sessionsPerPage + 1]);
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
      const rows = await queries.run(this.#statements.livePage, [this.#id, id, sessionsPerPage]);
      const ids = rows.map((row) => row.id);
      const entries = await queries.run(endPage, [ids, reason, this.#clockToleranceSeconds]);
      return { ids, entries: entries.map(toEntry) };
    });
  }

  /** Deletes those that have ended. */
  async deleteEnded(): Promise<void> {
    for (let deleted = sessionsPerPage; deleted === sessionsPerPage; ) {
      const [row] = await this.#database.run(this.#statements.deletePage, [this.#id, sessionsPerPage]);
      deleted = row?.deleted ?? 0;
    }
  }
}
