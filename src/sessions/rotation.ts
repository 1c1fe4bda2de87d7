/** The rules of refresh: what a presented token means, given its session. Pure; the store applies the first two atomically. */
import { isWithin } from '../oauth/scope.js';
import type { SessionState } from './session.js';

export type RefusedRotation = 'reused' | 'revoked' | 'expired' | 'unknown' | 'scope exceeded' | 'try again';

/**
 * Why a refresh token whose MAC is right was not rotated.
 *
 * `current`: rotated by the store, so meeting it here means that the row changed in between.
 * `current - 1`, soon after the rotation: a retry, also served by the store. Later, or any older one: reuse, which is theft.
 */
export function refuseRotation(
  session: SessionState | undefined,
  presented: { generation: number; clientId: string; requestedScope: readonly string[] | undefined },
): RefusedRotation {
  // RFC 6749 §5.2: a token issued to another client is an invalid grant; it says nothing about the session.
  if (!session || session.clientId !== presented.clientId) return 'unknown';
  if (session.revoked) return session.revokedReason === 'reused' ? 'reused' : 'revoked';
  if (session.expired) return 'expired';
  if (session.userDisabled) return 'revoked';
  // A token of a later generation than the row's: the database was restored from a backup.
  if (presented.generation > session.generation) return 'unknown';
  const current = presented.generation === session.generation;
  const retry = presented.generation === session.generation - 1 && session.withinRetryWindow;
  if (!current && !retry) return 'reused';
  // RFC 6749 §6: the scope MUST NOT include any that was not originally granted. Nothing was rotated.
  return isWithin(presented.requestedScope ?? [], session.scope) ? 'try again' : 'scope exceeded';
}
