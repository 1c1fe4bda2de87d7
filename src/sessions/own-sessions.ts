/** A user's own sessions: listed and ended by the user. */
import type { Blocklist } from '../blocklist/blocklist.js';
import type { SessionSummary } from './session.js';
import type { SessionAdministration } from './session-administration.js';

export interface OwnSession extends SessionSummary {
  /** Whether it is the session that the request comes from. */
  current: boolean;
}

/** A list is for a person to read. */
const longestList = 1_000;

export class OwnSessions {
  readonly #sessions: SessionAdministration;
  readonly #blocklist: Blocklist;

  constructor(sessions: SessionAdministration, blocklist: Blocklist) {
    this.#sessions = sessions;
    this.#blocklist = blocklist;
  }

  /** The user's active sessions, newest first. `currentSid`: the `sid` of the token that asks. */
  async list(userId: string, currentSid: string | undefined): Promise<OwnSession[]> {
    const sessions = await this.#sessions.list({ userId, active: true }, longestList);
    return sessions.map((session) => ({ ...session, current: session.id === currentSid }));
  }

  /** Ends one; when it returns, that is durable. `unknown`: not theirs, or over. */
  async end(userId: string, sessionId: string): Promise<'ended' | 'unknown'> {
    const entries = await this.#sessions.revokeOwn(userId, sessionId, userId);
    await this.#blocklist.announce(entries);
    return entries.length > 0 ? 'ended' : 'unknown';
  }

  /** Ends all of them, but for `exceptSid`; when it returns, that is durable. Answers how many. */
  async endAll(userId: string, exceptSid?: string): Promise<number> {
    const entries = await this.#sessions.revokeAllOwn(userId, exceptSid, userId);
    await this.#blocklist.announce(entries);
    return entries.length;
  }
}
