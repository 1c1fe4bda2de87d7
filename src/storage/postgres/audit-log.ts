import type { AuditEvent, AuditLog } from '../../audit.js';
import { type Database, statement } from './database.js';

const record = statement(`
  INSERT INTO audit_events (type, actor, user_id, client_id, session_id, address, user_agent, detail)
  VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb)`);

export class PostgresAuditLog implements AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async record(event: AuditEvent): Promise<void> {
    await this.#database.run(record, [
      ...[
        event.type,
        event.actor,
        event.userId,
        event.clientId,
        event.sessionId,
        event.address,
        event.userAgent,
      ],
      JSON.stringify(event.detail ?? {}),
    ]);
  }
}
