import type { RevocationEntry } from '../../blocklist/entry.js';
import type { SessionSummary } from '../../sessions/session.js';
import type {
  Generation,
  SessionAdministration,
  SessionFilter,
} from '../../sessions/session-administration.js';
import { Conditions } from './conditions.js';
import { type Database, type Statement, statement } from './database.js';
import type { EntryRow } from './revocation-rows.js';
import { revokeAll, revokeWhere } from './session-revocation.js';

type SessionRow = {
  id: string;
  user_id: string;
  client_id: string;
  scope: string[];
  generation: number;
  created_at: Date;
  last_used_at: Date;
  idle_expires_at: Date;
  absolute_expires_at: Date;
  revoked_at: Date | null;
  revoked_reason: string | null;
  address: string | null;
  user_agent: string | null;
  label: string | null;
};

const columns = `id::text AS id, user_id::text AS user_id, client_id, scope, generation, created_at, last_used_at,
  idle_expires_at, absolute_expires_at, revoked_at, revoked_reason, address, user_agent, label`;

const find = statement<SessionRow>(`SELECT ${columns} FROM sessions WHERE id = $1::uuid`);

type GenerationRow = {
  generation: number;
  issued_at: Date;
  address: string | null;
  user_agent: string | null;
};

const lineage = statement<GenerationRow>(`
  SELECT generation, issued_at, address, user_agent FROM refresh_tokens
  WHERE session_id = $1::uuid ORDER BY generation DESC LIMIT $2::int`);

const revokeOne = revokeWhere('id = $4::uuid');
const revokeOwn = revokeWhere('user_id = $4::uuid AND id = $5::uuid');
const revokeAllOwn = revokeWhere('user_id = $4::uuid AND id IS DISTINCT FROM $5::uuid');

export class PostgresSessionAdministration implements SessionAdministration {
  readonly #database: Database;
  readonly #clockToleranceSeconds: number;

  constructor(database: Database, settings: { clockToleranceSeconds: number }) {
    this.#database = database;
    this.#clockToleranceSeconds = settings.clockToleranceSeconds;
  }

  async list(filter: SessionFilter, limit: number): Promise<SessionSummary[]> {
    const conditions = new Conditions()
      .when('user_id = ?::uuid', filter.userId)
      .when('client_id = ?::text', filter.clientId);
    if (filter.active) {
      conditions.always('revoked_at IS NULL AND least(idle_expires_at, absolute_expires_at) > now()');
    }
    if (filter.after) {
      const position = [conditions.add(filter.after.createdAt), conditions.add(filter.after.id)];
      conditions.always(`(created_at, sessions.id) < (${position[0]}::timestamptz, ${position[1]}::uuid)`);
    }
    const query = statement<SessionRow>(`
      SELECT ${columns} FROM sessions ${conditions.where}
      ORDER BY created_at DESC, sessions.id DESC LIMIT ${conditions.add(limit)}::int`);
    return (await this.#database.run(query, conditions.values)).map(toSummary);
  }

  async find(id: string): Promise<SessionSummary | undefined> {
    const [row] = await this.#database.run(find, [id]);
    return row && toSummary(row);
  }

  async lineage(id: string, limit: number): Promise<Generation[]> {
    const rows = await this.#database.run(lineage, [id, limit]);
    return rows.map(({ generation, issued_at, address, user_agent }) => ({
      generation,
      address,
      issuedAt: issued_at,
      userAgent: user_agent,
    }));
  }

  revoke(sessionId: string, actor: string): Promise<RevocationEntry[]> {
    return this.#revoke(revokeOne, actor, [sessionId]);
  }

  revokeOwn(userId: string, sessionId: string, actor: string): Promise<RevocationEntry[]> {
    return this.#revoke(revokeOwn, actor, [userId, sessionId]);
  }

  revokeAllOwn(userId: string, exceptId: string | undefined, actor: string): Promise<RevocationEntry[]> {
    return this.#revoke(revokeAllOwn, actor, [userId, exceptId]);
  }

  #revoke(query: Statement<EntryRow>, actor: string, values: unknown[]): Promise<RevocationEntry[]> {
    const common = ['revoked', actor, this.#clockToleranceSeconds];
    return revokeAll(this.#database, query, [...common, ...values]);
  }
}

function toSummary(row: SessionRow): SessionSummary {
  return {
    id: row.id,
    userId: row.user_id,
    clientId: row.client_id,
    scope: row.scope,
    generation: row.generation,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    idleExpiresAt: row.idle_expires_at,
    absoluteExpiresAt: row.absolute_expires_at,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason,
    address: row.address,
    userAgent: row.user_agent,
    label: row.label,
  };
}
