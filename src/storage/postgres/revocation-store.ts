import type { RevocationStore } from '../../blocklist/blocklist.js';
import type { RevocationEntry, TokenIdentity } from '../../blocklist/entry.js';
import { type Database, statement } from './database.js';
import { type EntryRow, entryColumns, entryReturning, toEntry } from './revocation-rows.js';

const add = statement<EntryRow>(`
  WITH entry AS (
    INSERT INTO revocations (type, value, before, reason, expires_at)
    VALUES ($1::text, $2::text, $3::timestamptz, $4::text, $5::timestamptz)
    RETURNING ${entryReturning}
  ), audit AS (
    INSERT INTO audit_events (type, actor, detail)
    VALUES ('token_revoked', $6::text, jsonb_build_object('type', $1::text, 'value', $2::text, 'reason', $4::text))
  )
  SELECT ${entryColumns} FROM entry`);

// `before` is compared in milliseconds with the whole second of `iat`.
const find = statement<EntryRow>(`
  SELECT ${entryColumns} FROM revocations
  WHERE expires_at > now() AND ((type = 'jti' AND value = $1::text) OR (type = 'sid' AND value = $2::text)
    OR (type = 'sub' AND value = $3::text AND before > to_timestamp($4::float8)))
  LIMIT 1`);

const after = statement<EntryRow>(`
  SELECT ${entryColumns} FROM revocations
  WHERE position > $1::bigint AND expires_at > now() ORDER BY revocations.position LIMIT $2::int`);

export class PostgresRevocationStore implements RevocationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(entry: Omit<RevocationEntry, 'position' | 'revokedAt'>, actor: string): Promise<RevocationEntry> {
    const before = entry.before === undefined ? null : new Date(entry.before);
    const values = [entry.type, entry.value, before, entry.reason, new Date(entry.expiresAt), actor];
    const [row] = await this.#database.run(add, values);
    if (!row) throw new Error('an insert answered no row');
    return toEntry(row);
  }

  async find(token: TokenIdentity): Promise<RevocationEntry | undefined> {
    const [row] = await this.#database.run(find, [token.jti, token.sid, token.sub, token.iat]);
    return row && toEntry(row);
  }

  async after(position: string, limit: number): Promise<RevocationEntry[]> {
    return (await this.#database.run(after, [position, limit])).map(toEntry);
  }
}
