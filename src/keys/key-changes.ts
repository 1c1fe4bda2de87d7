/** Carries decisions out: makes the keys that are yet to be made and commits the change in one step. */
import type { RandomBytes } from '../secrets.js';
import { type GeneratedKey, generateSigningKey } from './generate.js';
import { applyKeyRevocation, type KeyRevocation, revokeEach } from './key-revocation.js';
import type { KeySettings } from './key-settings.js';
import type { KeySet, KeyStore } from './key-store.js';
import { applyRotation, type Rotation, type RotationInput } from './rotation.js';
import { activeKey, type SigningAlg, type SigningKey } from './signing-key.js';

/** Where changes are carried out. */
export interface KeyChangeContext {
  readonly store: KeyStore;
  readonly settings: KeySettings;
  readonly randomBytes: RandomBytes;
}

export type KeyChangeResult =
  | { readonly outcome: 'committed'; readonly keys: readonly SigningKey[] }
  | { readonly outcome: 'conflict' };

/** The decisions' view of a set as it was loaded. */
export function rotationInput(set: KeySet, settings: KeySettings, nowMs: number): RotationInput {
  return { keys: set.keys, usableKids: new Set(set.privateKeys.keys()), settings, nowMs };
}

/** The first keys of a home: one that signs at once, since no verifier has cached anything, and its successor. */
export async function commitFirstKeys(
  context: KeyChangeContext,
  nowMs: number,
  revision: number,
): Promise<KeyChangeResult> {
  const { signingAlg: alg } = context.settings;
  const made = [await make(context, alg, nowMs, nowMs), await make(context, alg, nowMs)];
  return commit(
    context,
    revision,
    made.map((one) => one.key),
    made,
  );
}

export async function commitRotation(
  context: KeyChangeContext,
  set: KeySet,
  rotation: Rotation,
  nowMs: number,
): Promise<KeyChangeResult> {
  const made: GeneratedKey[] = [];
  if (rotation.promotedKid === null)
    made.push(await make(context, rotation.promotedAlg, nowMs, rotation.activatesAtMs));
  if (rotation.followingKid === null) made.push(await make(context, rotation.followingAlg, nowMs));
  const input = rotationInput(set, context.settings, nowMs);
  const keys = applyRotation(
    input,
    rotation,
    made.map((one) => one.key),
  );
  return commit(context, set.revision, keys, made);
}

export async function commitKeyRevocation(
  context: KeyChangeContext,
  set: KeySet,
  revocation: KeyRevocation,
  reason: string,
  nowMs: number,
): Promise<KeyChangeResult> {
  const made: GeneratedKey[] = [];
  if (revocation.successorKid === null) made.push(await make(context, revocation.successorAlg, nowMs, nowMs));
  if (revocation.needsFollowing) made.push(await make(context, revocation.followingAlg, nowMs));
  const input = rotationInput(set, context.settings, nowMs);
  const keys = applyKeyRevocation(
    input,
    revocation,
    reason,
    made.map((one) => one.key),
  );
  return commit(context, set.revision, keys, made);
}

/** New keys in place of all: whoever read the home also has the next key, and so the new one signs without having waited. */
export async function commitRevocationOfAll(
  context: KeyChangeContext,
  set: KeySet,
  reason: string,
  nowMs: number,
): Promise<KeyChangeResult> {
  const { signingAlg } = context.settings;
  const alg = activeKey(set.keys, nowMs)?.alg ?? signingAlg;
  const made = [await make(context, alg, nowMs, nowMs), await make(context, signingAlg, nowMs)];
  const keys = revokeEach(
    set.keys,
    reason,
    nowMs,
    made.map((one) => one.key),
  );
  return commit(context, set.revision, keys, made);
}

/** Adds a next key to keys that have none waiting. */
export async function commitNextKey(
  context: KeyChangeContext,
  set: KeySet,
  nowMs: number,
): Promise<KeyChangeResult> {
  const made = await make(context, context.settings.signingAlg, nowMs);
  return commit(context, set.revision, [...set.keys, made.key], [made]);
}

function make(
  context: KeyChangeContext,
  alg: SigningAlg,
  nowMs: number,
  activatesAtMs: number | null = null,
): Promise<GeneratedKey> {
  const { accessTokenTtlSeconds } = context.settings;
  return generateSigningKey({
    alg,
    nowMs,
    activatesAtMs,
    accessTokenTtlSeconds,
    randomBytes: context.randomBytes,
  });
}

async function commit(
  context: KeyChangeContext,
  expectedRevision: number,
  keys: readonly SigningKey[],
  made: readonly GeneratedKey[],
): Promise<KeyChangeResult> {
  const newPrivateKeys = new Map(made.map(({ key, privateJwk }) => [key.kid, privateJwk]));
  const outcome = await context.store.commit({ expectedRevision, keys, newPrivateKeys });
  return outcome === 'committed' ? { outcome, keys } : { outcome };
}
