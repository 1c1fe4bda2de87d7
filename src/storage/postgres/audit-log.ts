import type {
  AuditEvent,
  AuditEventType,
  AuditFilter,
  AuditLog,
  AuditTrail,
  RecordedAuditEvent,
} from '../../audit.js';
import type { JsonObject } from '../../oauth/claims.js';
import { Conditions } from './conditions.js';
import { type Database, type Queries, statement } from './database.js';

const record = statement(`
  INSERT INTO audit_events (type, actor, user_id, client_id, session_id, address, user_agent, detail)
  VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb)`);

type EventRow = {
  id: string;
  at: Date;
  type: AuditEventType;
  actor: string | null;
  user_id: string | null;
  client_id: string | null;
  session_id: string | null;
  address: string | null;
  user_agent: string | null;
  detail: JsonObject;
};

/** Writes an event, as part of a transaction where `queries` is one. */
export async function recordEvent(queries: Queries, event: AuditEvent): Promise<void> {
  const { type, actor, userId, clientId, sessionId, address, userAgent } = event;
  const detail = JSON.stringify(event.detail ?? {});
  await queries.run(record, [type, actor, userId, clientId, sessionId, address, userAgent, detail]);
}

export class PostgresAuditLog implements AuditLog, AuditTrail {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  record(event: AuditEvent): Promise<void> {
    return recordEvent(this.#database, event);
  }

  async list(filter: AuditFilter, limit: number): Promise<RecordedAuditEvent[]> {
    const conditions = new Conditions()
      .when('type = ?::text', filter.type)
      .when('user_id = ?::text', filter.userId)
      .when('client_id = ?::text', filter.clientId)
      .when('session_id = ?::text', filter.sessionId)
      .when('at >= ?::timestamptz', filter.since)
      .when('audit_events.id < ?::bigint', filter.beforeId);
    const query = statement<EventRow>(`
      SELECT id::text AS id, at, type, actor, user_id, client_id, session_id, address, user_agent, detail
      FROM audit_events ${conditions.where} ORDER BY audit_events.id DESC LIMIT ${conditions.add(limit)}::int`);
    return (await this.#database.run(query, conditions.values)).map(toEvent);
  }
}

function toEvent(row: EventRow): RecordedAuditEvent {
  const { user_id, client_id, session_id, user_agent, ...same } = row;
  return { ...same, userId: user_id, clientId: client_id, sessionId: session_id, userAgent: user_agent };
}
