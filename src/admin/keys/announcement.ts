/** How verifiers that follow the feed hear of a revoked key. */
import type { KeyAdminContext } from './context.js';

/**
 * Whoever holds the key can make tokens of any lifetime, so the feed keeps the entry longer than the tokens that the
 * server signed: until the last verifier has surely fetched the key set again.
 */
const ANNOUNCED_MS = 30 * 86_400_000;

export const notAnnounced =
  'The revocation feed could not be written: verifiers that follow it do not know. Repeat the command.';

/** @returns whether the feed has it */
export async function announce(
  context: KeyAdminContext,
  kid: string,
  reason: string,
  nowMs: number,
): Promise<boolean> {
  try {
    await context.revocations.add(
      { type: 'kid', value: kid, reason, expiresAt: nowMs + ANNOUNCED_MS },
      context.actor,
    );
    return true;
  } catch {
    return false;
  }
}
