/** The rules of withdrawing a signing key at once, without ever being left with none that can sign. Pure. */
import { type RotationInput, waitingKeys } from './rotation.js';
import {
  isPublished,
  type KeyState,
  keyState,
  nextKey,
  type SigningAlg,
  type SigningKey,
} from './signing-key.js';
import { withSuccession } from './succession.js';

export interface KeyRevocation {
  readonly outcome: 'revoke';
  readonly kid: string;
  /** What the key was until now. */
  readonly stateBefore: Exclude<KeyState, 'removed' | 'revoked'>;
  /** Whether a rotation to this key was scheduled, and is off. */
  readonly wasScheduled: boolean;
  /** The key that takes over; `null` when one is yet to be made; absent when the revoked key was not signing. */
  readonly successorKid?: string | null;
  readonly successorAlg: SigningAlg;
  /** Whether the following next key is yet to be made, with `followingAlg`. */
  readonly needsFollowing: boolean;
  readonly followingAlg: SigningAlg;
}

export type KeyRevocationDecision =
  | KeyRevocation
  | { readonly outcome: 'unknown-key' | 'already-removed' }
  | { readonly outcome: 'already-revoked' };

export function decideKeyRevocation(input: RotationInput, kid: string): KeyRevocationDecision {
  const key = input.keys.find((candidate) => candidate.kid === kid);
  if (!key) return { outcome: 'unknown-key' };
  const stateBefore = keyState(key, input.nowMs);
  if (stateBefore === 'revoked') return { outcome: 'already-revoked' };
  if (stateBefore === 'removed') return { outcome: 'already-removed' };
  const usable = input.keys.filter((other) => other.kid !== kid && input.usableKids.has(other.kid));
  const successor = stateBefore === 'active' ? nextKey(usable, input.nowMs) : undefined;
  const waiting = waitingKeys(usable, input.nowMs).filter((other) => other !== successor);
  return {
    outcome: 'revoke',
    kid,
    stateBefore,
    wasScheduled: stateBefore === 'next' && key.activatesAtMs !== null,
    ...(stateBefore === 'active' ? { successorKid: successor?.kid ?? null } : {}),
    successorAlg: successor?.alg ?? key.alg,
    needsFollowing: waiting.length === 0,
    followingAlg: input.settings.signingAlg,
  };
}

/** @param made the keys that the decision said were yet to be made */
export function applyKeyRevocation(
  input: RotationInput,
  revocation: KeyRevocation,
  reason: string,
  made: readonly SigningKey[],
): SigningKey[] {
  const keys = [...input.keys, ...made].map((key) => {
    if (key.kid === revocation.kid) return { ...key, revokedAtMs: input.nowMs, revocationReason: reason };
    return key.kid === revocation.successorKid ? { ...key, activatesAtMs: input.nowMs } : key;
  });
  return withSuccession(keys, input.settings, input.nowMs);
}

/** All that are published are revoked. @param made the keys in their place */
export function revokeEach(
  keys: readonly SigningKey[],
  reason: string,
  nowMs: number,
  made: readonly SigningKey[],
): SigningKey[] {
  const revoked = keys.map((key) =>
    isPublished(key, nowMs) ? { ...key, revokedAtMs: nowMs, revocationReason: reason } : key,
  );
  return [...revoked, ...made];
}
