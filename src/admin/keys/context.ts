/** What the admin operations on keys work with. */
import type { AuditEventType, AuditLog } from '../../audit.js';
import type { Clock } from '../../clock.js';
import type { KeyChangeContext } from '../../keys/key-changes.js';
import type { KeySet, KeyStore } from '../../keys/key-store.js';

/** Where a revoked key is announced to the verifiers that follow the feed; the blocklist is one. */
export interface KeyRevocations {
  add(entry: { type: 'kid'; value: string; reason: string; expiresAt: number }, actor: string): Promise<void>;
}

export interface KeyAdminContext extends KeyChangeContext {
  readonly clock: Clock;
  readonly revocations: KeyRevocations;
  readonly audit: AuditLog;
  /** Who acts, for the audit log. */
  readonly actor: string;
}

/** That the keys are elsewhere, if they are. */
export function movedAway(home: KeyStore, { movedTo }: KeySet): string | null {
  if (movedTo === null) return null;
  return `The keys of ${home.description} were moved to ${movedTo}: set KEY_STORE accordingly.`;
}

/** Why nothing can be done to the keys of this home, or `null`. */
export function unusableHome(home: KeyStore, set: KeySet): string | null {
  const moved = movedAway(home, set);
  if (moved) return moved;
  if (set.keys.length > 0) return null;
  const found = set.problems.map(({ source, message }) => `${source} ${message}`).join('; ');
  return found || `There are no keys in ${home.description} yet: the server makes them at its first start.`;
}

/** The audit log is kept in the database; that it is away must not keep an admin from changing keys. */
export async function recordKeyEvent(
  context: KeyAdminContext,
  type: AuditEventType,
  detail: Record<string, unknown>,
): Promise<string[]> {
  try {
    await context.audit.record({ type, actor: context.actor, detail });
    return [];
  } catch {
    return ['The audit log could not be written.'];
  }
}

/** An instant as people read it, to the second. */
export function instant(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A length of time as people say it. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
