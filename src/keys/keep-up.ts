/** What running servers do to the key set by themselves; of several, the home lets one win. */
import type { Logger } from '../log.js';
import { commitNextKey, commitRotation, type KeyChangeContext, rotationInput } from './key-changes.js';
import type { KeySet } from './key-store.js';
import { decideRotation, isRotationDue } from './rotation.js';
import { isTidy, lacksNextKey, tidied } from './upkeep.js';

/**
 * Makes at most one change: a due rotation, a missing next key, or tidying.
 * @returns whether the home has changed, by this server or by the one that was faster
 */
export async function keepUp(
  context: KeyChangeContext & { log: Logger },
  set: KeySet,
  nowMs: number,
): Promise<boolean> {
  if (set.keys.length === 0 || set.movedTo !== null) return false;
  return (
    (await rotateIfDue(context, set, nowMs)) ||
    (await addNextKey(context, set, nowMs)) ||
    tidy(context, set, nowMs)
  );
}

async function rotateIfDue(
  context: KeyChangeContext & { log: Logger },
  set: KeySet,
  nowMs: number,
): Promise<boolean> {
  const input = rotationInput(set, context.settings, nowMs);
  if (!isRotationDue(input)) return false;
  const rotation = decideRotation(input, {});
  if (rotation.outcome === 'refused') return false;
  const { outcome } = await commitRotation(context, set, rotation, nowMs);
  if (outcome === 'committed')
    context.log.info({ kid: rotation.promotedKid }, 'rotated the signing key: its interval has passed');
  return true;
}

async function addNextKey(
  context: KeyChangeContext & { log: Logger },
  set: KeySet,
  nowMs: number,
): Promise<boolean> {
  if (!lacksNextKey(rotationInput(set, context.settings, nowMs))) return false;
  const { outcome } = await commitNextKey(context, set, nowMs);
  if (outcome === 'committed') context.log.warn({}, 'no usable next signing key was published: added one');
  return true;
}

async function tidy(context: KeyChangeContext, set: KeySet, nowMs: number): Promise<boolean> {
  const { settings, store } = context;
  if (isTidy(set.keys, settings, nowMs)) return false;
  const keys = tidied(set.keys, settings, nowMs);
  await store.commit({ expectedRevision: set.revision, keys, newPrivateKeys: new Map() });
  return true;
}
