import { commitRotation, rotationInput } from '../../keys/key-changes.js';
import type { KeySet } from '../../keys/key-store.js';
import {
  applyRotation,
  decideRotation,
  type Rotation,
  type RotationOptions,
  type RotationRefusal,
  waitingKeys,
} from '../../keys/rotation.js';
import { activeKey, type SigningKey } from '../../keys/signing-key.js';
import { keyToBe, type TimelineEntry, timeline } from '../../keys/timeline.js';
import { duration, instant, type KeyAdminContext, recordKeyEvent, unusableHome } from './context.js';

export interface RotateOptions extends RotationOptions {
  /** Decides and tells, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface RotationDone {
  readonly outcome: 'rotated' | 'scheduled' | 'dry-run';
  readonly promotedKid: string;
  readonly retiredKid: string | null;
  /** The key that the following rotation will promote. */
  readonly nextKid: string;
  readonly activatesAtMs: number;
  /** What every verifier sees, and when. */
  readonly timeline: readonly TimelineEntry[];
  readonly message: string;
  readonly warnings: readonly string[];
}

export type RotationResult =
  | RotationDone
  | { readonly outcome: 'conflict' | 'unusable'; readonly message: string }
  | {
      readonly outcome: 'refused';
      readonly reason: RotationRefusal['reason'];
      readonly safeAtMs: number;
      readonly message: string;
    };

/** Promotes the next key, if every verifier can have seen it, and publishes the one after it. */
export async function rotateKeys(context: KeyAdminContext, options: RotateOptions): Promise<RotationResult> {
  const set = await context.store.load();
  const nowMs = context.clock();
  const unusable = unusableHome(context.store, set);
  if (unusable) return { outcome: 'unusable', message: unusable };
  const rotation = decideRotation(rotationInput(set, context.settings, nowMs), options);
  if (rotation.outcome === 'refused') return { ...rotation, message: refusalMessage(rotation, nowMs) };
  if (options.dryRun) return dryRun(context, set, rotation, nowMs);
  const committed = await commitRotation(context, set, rotation, nowMs);
  if (committed.outcome === 'conflict') return { outcome: 'conflict', message: conflictMessage };
  return recorded(context, describe(context, set, rotation, committed.keys, nowMs));
}

const conflictMessage =
  'Somebody else changed the keys at the same moment, and this rotation did nothing. See `keyturn keys list` before you repeat it.';

function refusalMessage(refusal: RotationRefusal, nowMs: number): string {
  const safe = `${instant(refusal.safeAtMs)} (in ${duration(refusal.safeAtMs - nowMs)})`;
  switch (refusal.reason) {
    case 'already-scheduled':
      return `A rotation is scheduled for ${safe}. \`--force\` does it now, before every verifier can know the key.`;
    case 'published-too-recently':
      return `The next key has not been published long enough for every verifier to know it. Safe from ${safe}. \`--at-safe-time\` schedules it for then; \`--force\` does it now, and verifiers that have not fetched the key set since will reject new tokens until they do.`;
    case 'no-such-next-key':
      return `No published key fits. \`--at-safe-time\` publishes one now and lets it sign from ${safe}; \`--force\` makes it sign at once, unknown to every verifier that does not fetch the key set again.`;
  }
}

function dryRun(context: KeyAdminContext, set: KeySet, rotation: Rotation, nowMs: number): RotationDone {
  const made: SigningKey[] = [];
  if (rotation.promotedKid === null)
    made.push(keyToBe(rotation.promotedAlg, nowMs, rotation.activatesAtMs, 'signing'));
  if (rotation.followingKid === null) made.push(keyToBe(rotation.followingAlg, nowMs, null, 'following'));
  const keys = applyRotation(rotationInput(set, context.settings, nowMs), rotation, made);
  const done = describe(context, set, rotation, keys, nowMs);
  return { ...done, outcome: 'dry-run', message: `Nothing was changed. It would say: ${done.message}` };
}

function describe(
  context: KeyAdminContext,
  set: KeySet,
  rotation: Rotation,
  keys: readonly SigningKey[],
  nowMs: number,
): RotationDone {
  const { activatesAtMs } = rotation;
  const retired = activeKey(set.keys, nowMs);
  const promotedKid = activeKey(keys, activatesAtMs)?.kid ?? '';
  const removesAtMs = keys.find((key) => key.kid === retired?.kid)?.removesAtMs ?? null;
  const outcome = activatesAtMs > nowMs ? 'scheduled' : 'rotated';
  const when = outcome === 'rotated' ? 'signs from now on' : `signs from ${instant(activatesAtMs)} on`;
  const until = removesAtMs === null ? '' : `; ${retired?.kid} verifies until ${instant(removesAtMs)}`;
  return {
    outcome,
    promotedKid,
    retiredKid: retired?.kid ?? null,
    nextKid: waitingKeys(keys, nowMs)[0]?.kid ?? '',
    activatesAtMs,
    timeline: timeline(keys, nowMs),
    message: `${promotedKid} ${when}${until}. Running servers take it up within seconds.`,
    warnings: warningsOf(context, rotation, nowMs),
  };
}

function warningsOf({ settings }: KeyAdminContext, rotation: Rotation, nowMs: number): string[] {
  const warnings: string[] = [];
  if (rotation.activatesAtMs < rotation.safeAtMs)
    warnings.push(
      `Verifiers that fetched the key set before the key was published may reject new tokens until they fetch it again: as a rule at the first unknown kid, at the latest when their copy expires (${duration(settings.jwksMaxAgeSeconds * 1000)} as advertised; safe would have been ${duration(rotation.safeAtMs - nowMs)} later).`,
    );
  if (rotation.followingAlg !== settings.signingAlg)
    warnings.push(
      `SIGNING_ALG is still ${settings.signingAlg}: set it to ${rotation.followingAlg}, or a later rotation goes back.`,
    );
  return warnings;
}

async function recorded(context: KeyAdminContext, done: RotationDone): Promise<RotationDone> {
  const { promotedKid, retiredKid, nextKid, outcome } = done;
  const unrecorded = await recordKeyEvent(context, 'key_rotated', {
    promotedKid,
    retiredKid,
    nextKid,
    outcome,
  });
  return { ...done, warnings: [...done.warnings, ...unrecorded] };
}
