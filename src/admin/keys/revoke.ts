import { commitKeyRevocation, rotationInput } from '../../keys/key-changes.js';
import { decideKeyRevocation, type KeyRevocation } from '../../keys/key-revocation.js';
import { waitingKeys } from '../../keys/rotation.js';
import { activeKey, type KeyState, type SigningKey } from '../../keys/signing-key.js';
import { announce, notAnnounced } from './announcement.js';
import { duration, type KeyAdminContext, recordKeyEvent, unusableHome } from './context.js';

export interface KeyRevoked {
  readonly outcome: 'revoked';
  readonly kid: string;
  /** What the key was until now. */
  readonly stateBefore: KeyState;
  readonly signingKid: string;
  readonly nextKid: string;
  /** Whether the feed has the revocation. If not, repeat the command when the database is back. */
  readonly announced: boolean;
  readonly message: string;
  /** What follows from it. */
  readonly consequences: readonly string[];
  readonly warnings: readonly string[];
}

export type KeyRevocationResult =
  | KeyRevoked
  | {
      readonly outcome: 'already-revoked';
      readonly announced: boolean;
      readonly message: string;
      readonly warnings: readonly string[];
    }
  | {
      readonly outcome: 'unknown-key' | 'already-removed' | 'conflict' | 'unusable';
      readonly message: string;
    };

/**
 * Withdraws a key that has leaked: the server forgets its private half, its tokens are dead, and another key signs.
 * The key set comes first and the feed second, so that a database that is away does not keep the key in use.
 */
export async function revokeKey(
  context: KeyAdminContext,
  kid: string,
  reason = 'compromised',
): Promise<KeyRevocationResult> {
  const set = await context.store.load();
  const nowMs = context.clock();
  const unusable = unusableHome(context.store, set);
  if (unusable) return { outcome: 'unusable', message: unusable };
  const decision = decideKeyRevocation(rotationInput(set, context.settings, nowMs), kid);
  if (decision.outcome === 'already-revoked') {
    const announced = await announce(context, kid, reason, nowMs);
    const warnings = announced ? [] : [notAnnounced];
    return { outcome: 'already-revoked', announced, message: `${kid} was revoked before.`, warnings };
  }
  if (decision.outcome !== 'revoke') return { ...decision, message: refusals[decision.outcome] };
  const committed = await commitKeyRevocation(context, set, decision, reason, nowMs);
  if (committed.outcome === 'conflict') return { outcome: 'conflict', message: refusals.conflict };
  const announced = await announce(context, kid, reason, nowMs);
  const warnings = await recordKeyEvent(context, 'key_revoked', { kid, reason });
  return {
    ...describe(context, decision, committed.keys, nowMs),
    announced,
    warnings: [...warnings, ...warningsOf(decision, announced)],
  };
}

const refusals = {
  'unknown-key': 'There is no key with this kid: see `keyturn keys list`.',
  'already-removed': 'This key has left the key set, and every token that it signed has expired.',
  conflict: 'Somebody else changed the keys at the same moment, and nothing was revoked. Repeat the command.',
};

function describe(
  { settings }: KeyAdminContext,
  revocation: KeyRevocation,
  keys: readonly SigningKey[],
  nowMs: number,
) {
  const { kid, stateBefore } = revocation;
  const signingKid = activeKey(keys, nowMs)?.kid ?? '';
  const age = duration(settings.jwksMaxAgeSeconds * 1000);
  return {
    outcome: 'revoked' as const,
    kid,
    stateBefore,
    signingKid,
    nextKid: waitingKeys(keys, nowMs)[0]?.kid ?? '',
    message: `${kid} is revoked. ${signingKid} signs. Running servers take it up within seconds.`,
    consequences: [
      ...(revocation.wasScheduled ? ['The rotation to it that was scheduled is off.'] : []),
      stateBefore === 'next'
        ? 'It had not signed any token.'
        : 'Every access token that it signed is dead; clients get new ones by refreshing, nobody has to log in again.',
      'The server destroyed its private half, and will neither sign with it nor accept it.',
      `Verifiers with a cached key set may accept it until their copy expires: ${age} as advertised. Some libraries keep a set longer whatever is advertised (jose and jwks-rsa: 10 minutes).`,
      'Verifiers that follow the revocation feed reject it within a second. Restart the others to cut it short.',
    ],
  };
}

function warningsOf(revocation: KeyRevocation, announced: boolean): string[] {
  const warnings: string[] = [];
  if (revocation.successorKid === null)
    warnings.push(
      'No published next key could sign, so a new one does: verifiers must fetch the key set to know it.',
    );
  if (!announced) warnings.push(notAnnounced);
  return warnings;
}
