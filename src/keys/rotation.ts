/** The rules of rotating the signing key: what a rotation would do, and whether it would do harm. Pure. */
import type { KeySettings } from './key-settings.js';
import { activeKey, keyState, nextKey, type SigningAlg, type SigningKey } from './signing-key.js';
import { withSuccession } from './succession.js';

export interface RotationOptions {
  /** Signs from this rotation on with this algorithm; absent: whatever the next key has. */
  readonly alg?: SigningAlg;
  /** When it is not safe yet: schedule it for when it is. */
  readonly atSafeTime?: boolean;
  /** Now, whoever has not seen the next key yet. */
  readonly force?: boolean;
}

export interface Rotation {
  readonly outcome: 'rotate';
  readonly activatesAtMs: number;
  /** The key that will sign; `null`: one that is yet to be made, with `promotedAlg`. */
  readonly promotedKid: string | null;
  readonly promotedAlg: SigningAlg;
  /** A waiting key that stays the next one; `null`: one that is yet to be made, with `followingAlg`. */
  readonly followingKid: string | null;
  readonly followingAlg: SigningAlg;
  /** When promoting would have been safe; in the future for a forced rotation. */
  readonly safeAtMs: number;
}

export interface RotationRefusal {
  readonly outcome: 'refused';
  readonly reason: 'published-too-recently' | 'no-such-next-key' | 'already-scheduled';
  /** When it will be safe (with `--at-safe-time`, where a key is yet to be made). */
  readonly safeAtMs: number;
}

/** The keys that a rotation is decided on, as far as they can sign. */
export interface RotationInput {
  readonly keys: readonly SigningKey[];
  readonly usableKids: ReadonlySet<string>;
  readonly settings: KeySettings;
  readonly nowMs: number;
}

/** Decides a rotation: promotes the next key only if every verifier can have seen it, unless forced. */
export function decideRotation(input: RotationInput, options: RotationOptions): Rotation | RotationRefusal {
  const { settings, nowMs } = input;
  const candidate = nextKey(promotable(input, options.alg), nowMs);
  const safeAtMs = (candidate?.publishedAtMs ?? nowMs) + settings.keyPublishAheadSeconds * 1000;
  if (!options.force) {
    const refusal = refuseRotation(candidate, safeAtMs, options, nowMs);
    if (refusal) return refusal;
  }
  const activatesAtMs = options.force ? nowMs : Math.max(nowMs, safeAtMs);
  return { ...rotationTo(candidate, input, options), activatesAtMs, safeAtMs };
}

function refuseRotation(
  candidate: SigningKey | undefined,
  safeAtMs: number,
  options: RotationOptions,
  nowMs: number,
): RotationRefusal | null {
  if (candidate && candidate.activatesAtMs !== null)
    return { outcome: 'refused', reason: 'already-scheduled', safeAtMs: candidate.activatesAtMs };
  if (safeAtMs <= nowMs || options.atSafeTime) return null;
  const reason = candidate ? 'published-too-recently' : 'no-such-next-key';
  return { outcome: 'refused', reason, safeAtMs };
}

function rotationTo(candidate: SigningKey | undefined, input: RotationInput, options: RotationOptions) {
  const followingAlg = options.alg ?? input.settings.signingAlg;
  const following = waitingKeys(promotable(input, followingAlg), input.nowMs).find(
    (key) => key.kid !== candidate?.kid,
  );
  return {
    outcome: 'rotate' as const,
    promotedKid: candidate?.kid ?? null,
    promotedAlg: candidate?.alg ?? followingAlg,
    followingKid: following?.kid ?? null,
    followingAlg,
  };
}

function promotable(input: RotationInput, alg: SigningAlg | undefined): SigningKey[] {
  return input.keys.filter((key) => input.usableKids.has(key.kid) && (alg === undefined || key.alg === alg));
}

/** The keys that are published and wait for a rotation. */
export function waitingKeys(keys: readonly SigningKey[], nowMs: number): SigningKey[] {
  return keys.filter((key) => keyState(key, nowMs) === 'next' && key.activatesAtMs === null);
}

/**
 * The keys after a rotation. Next keys that it neither promotes nor keeps have never signed, and are dropped.
 * @param made the keys that the rotation said were yet to be made
 */
export function applyRotation(
  input: RotationInput,
  rotation: Rotation,
  made: readonly SigningKey[],
): SigningKey[] {
  const kept = new Set([rotation.promotedKid, rotation.followingKid]);
  const remaining = input.keys.filter((key) => keyState(key, input.nowMs) !== 'next' || kept.has(key.kid));
  const promoted = [...remaining, ...made].map((key) =>
    key.kid === rotation.promotedKid ? { ...key, activatesAtMs: rotation.activatesAtMs } : key,
  );
  return withSuccession(promoted, input.settings, input.nowMs);
}

/** Whether the active key has reached the age at which it is replaced without a command. */
export function isRotationDue(input: RotationInput): boolean {
  const { keys, settings, nowMs } = input;
  const activatedAtMs = activeKey(keys, nowMs)?.activatesAtMs ?? null;
  if (settings.keyRotationIntervalSeconds === 0 || activatedAtMs === null) return false;
  const isScheduled = keys.some((key) => key.activatesAtMs !== null && key.activatesAtMs > nowMs);
  return !isScheduled && nowMs >= activatedAtMs + settings.keyRotationIntervalSeconds * 1000;
}
