import type { Announce } from '../../blocklist/blocklist.js';
import type { User } from '../../users/user.js';
import type {
  EndedUser,
  TakenName,
  UserAdministration,
  UserDraft,
  UserEnding,
  UserProfile,
} from '../../users/user-administration.js';
import { recordEvent } from './audit-log.js';
import { type Database, type Queries, statement } from './database.js';
import { violatedUniqueness } from './failure.js';
import { SessionsOfSubject } from './sessions-of-subject.js';
import { revokeUser } from './subject-revocation.js';
import { toUser, type UserRow, userColumns } from './user-store.js';

const find = statement<UserRow>(`SELECT ${userColumns} FROM users WHERE id = $1::uuid`);
const findForUpdate = statement<UserRow>(`SELECT ${userColumns} FROM users WHERE id = $1::uuid FOR UPDATE`);
const findByLogin = statement<UserRow>(
  `SELECT ${userColumns} FROM users WHERE email = $1::text OR username = $1::text`,
);
const list = statement<UserRow>(
  `SELECT ${userColumns} FROM users WHERE email > $1::text ORDER BY email LIMIT $2::int`,
);

const insert = statement<UserRow>(`
  INSERT INTO users (id, email, username, roles, permissions, org_id, claims, password_hash, updated_at)
  VALUES ($1::uuid, $2::text, $3::text, $4::text[], $5::text[], $6::text, $7::jsonb, $8::text, now())
  RETURNING ${userColumns}`);

const update = statement<UserRow>(`
  UPDATE users SET email = $2::text, username = $3::text, roles = $4::text[], permissions = $5::text[],
    org_id = $6::text, claims = $7::jsonb, updated_at = now()
  WHERE id = $1::uuid RETURNING ${userColumns}`);

const enable = statement<UserRow>(`
  UPDATE users SET disabled_at = NULL, updated_at = now() WHERE id = $1::uuid RETURNING ${userColumns}`);

// `clock_timestamp()`: the lock may have been waited for, and tokens issued meanwhile are from before the end too.
const end = statement<UserRow>(`
  UPDATE users SET
    revoked_before = greatest(revoked_before, clock_timestamp()),
    disabled_at = CASE WHEN $2::text = 'user_disabled' THEN coalesce(disabled_at, now()) ELSE disabled_at END,
    password_changed_at = CASE WHEN $3::text IS NULL THEN password_changed_at
      ELSE greatest(clock_timestamp(), password_changed_at + interval '1 millisecond') END,
    password_hash = coalesce($3::text, password_hash),
    updated_at = now()
  WHERE id = $1::uuid RETURNING ${userColumns}`);

const remove = statement('DELETE FROM users WHERE id = $1::uuid');

export interface UserAdministrationSettings {
  accessTokenTtlSeconds: number;
  clockToleranceSeconds: number;
}

export class PostgresUserAdministration implements UserAdministration {
  readonly #database: Database;
  readonly #settings: UserAdministrationSettings;

  constructor(database: Database, settings: UserAdministrationSettings) {
    this.#database = database;
    this.#settings = settings;
  }

  create(draft: UserDraft, actor: string): Promise<User | TakenName> {
    return this.#unlessTaken(async (queries) => {
      const [row] = await queries.run(insert, [...columnsOf(draft.id, draft), draft.passwordHash]);
      if (!row) throw new Error('an insert answered no row');
      await recordEvent(queries, { type: 'user_created', actor, userId: draft.id });
      return toUser(row);
    });
  }

  async find(id: string): Promise<User | undefined> {
    return firstUser(await this.#database.run(find, [id]));
  }

  async findByLogin(login: string): Promise<User | undefined> {
    return firstUser(await this.#database.run(findByLogin, [login]));
  }

  async list(afterEmail: string, limit: number): Promise<User[]> {
    return (await this.#database.run(list, [afterEmail, limit])).map(toUser);
  }

  update(id: string, change: Partial<UserProfile>, actor: string): Promise<User | TakenName | undefined> {
    return this.#unlessTaken(async (queries) => {
      const user = firstUser(await queries.run(findForUpdate, [id]));
      if (!user) return undefined;
      const changed = await queries.run(update, columnsOf(id, { ...user, ...change }));
      const detail = { changed: Object.keys(change).map((member) => wireNames[member] ?? member) };
      await recordEvent(queries, { type: 'user_updated', actor, userId: id, detail });
      return firstUser(changed);
    });
  }

  enable(id: string, actor: string): Promise<User | undefined> {
    return this.#database.transaction(async (queries) => {
      const user = firstUser(await queries.run(enable, [id]));
      if (user) await recordEvent(queries, { type: 'user_enabled', actor, userId: id });
      return user;
    });
  }

  async end(
    id: string,
    ending: UserEnding,
    actor: string,
    announce: Announce,
  ): Promise<EndedUser | undefined> {
    const sessions = new SessionsOfSubject(this.#database, { kind: 'user', id }, this.#settings);
    const deletes = ending.kind === 'user_deleted';
    let endedBefore = 0;
    if (await sessions.areMany({ ended: deletes })) {
      // So that no more of them begin.
      if (deletes || ending.kind === 'user_disabled') await this.#disable(id, actor);
      endedBefore = await sessions.endAll(ending.kind, announce);
      if (deletes) await sessions.deleteEnded();
    }
    const ended = await this.#end(id, ending, actor, endedBefore);
    if (!ended) return undefined;
    await announce(ended.entries);
    return { user: ended.user, endedSessions: ended.endedSessions };
  }

  #disable(id: string, actor: string): Promise<void> {
    return this.#database.transaction(async (queries) => {
      const [row] = await queries.run(end, [id, 'user_disabled', null]);
      if (row) await recordEvent(queries, { type: 'user_disabled', actor, userId: id });
    });
  }

  #end(id: string, ending: UserEnding, actor: string, endedBefore: number) {
    return this.#database.transaction(async (queries) => {
      if ((await queries.run(findForUpdate, [id])).length === 0) return undefined;
      const passwordHash = ending.kind === 'password_changed' ? ending.passwordHash : null;
      const user = firstUser(await queries.run(end, [id, ending.kind, passwordHash]));
      if (!user?.revokedBefore) throw new Error('a locked row was not updated');
      const { accessTokenTtlSeconds, clockToleranceSeconds } = this.#settings;
      const ended = await revokeUser(queries, {
        subject: id,
        reason: ending.kind,
        before: user.revokedBefore,
        longestTokenSeconds: accessTokenTtlSeconds,
        clockToleranceSeconds,
        deletes: ending.kind === 'user_deleted',
      });
      if (ending.kind === 'user_deleted') await queries.run(remove, [id]);
      const endedSessions = endedBefore + ended.endedSessions;
      const detail = { ended_sessions: endedSessions };
      await recordEvent(queries, { type: ending.kind, actor, userId: id, detail });
      return { user, endedSessions, entries: ended.entries };
    });
  }

  async #unlessTaken<T>(work: (queries: Queries) => Promise<T>): Promise<T | TakenName> {
    try {
      return await this.#database.transaction(work);
    } catch (error) {
      const constraint = violatedUniqueness(error);
      if (constraint === 'users_email_key') return 'email taken';
      if (constraint === 'users_username_key') return 'username taken';
      throw error;
    }
  }
}

/** Where a member is called otherwise outside. */
const wireNames: Record<string, string> = { orgId: 'org_id', custom: 'claims' };

function columnsOf(id: string, profile: UserProfile): unknown[] {
  const { email, username, roles, permissions, orgId, custom } = profile;
  return [id, email, username, roles, permissions, orgId, JSON.stringify(custom)];
}

function firstUser(rows: UserRow[]): User | undefined {
  return rows[0] && toUser(rows[0]);
}
