import type { KeySettings } from '../../keys/key-settings.js';
import type { KeyProblem, KeySet, RecordedInstanceReport } from '../../keys/key-store.js';
import { summariseUsage } from '../../keys/key-usage.js';
import {
  type KeyState,
  keyState,
  nextStepAtMs,
  type SigningAlg,
  type SigningKey,
} from '../../keys/signing-key.js';
import { Refusal } from '../refusals.js';
import { type KeyAdminContext, movedAway } from './context.js';

export interface KeyListing {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly state: KeyState;
  readonly ageSeconds: number;
  /** Whether its private half is there and readable. */
  readonly canSign: boolean;
  readonly publishedAtMs: number;
  readonly activatesAtMs: number | null;
  readonly retiresAtMs: number | null;
  readonly removesAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly revocationReason: string | null;
  /** The next change that the clock brings, or `null`. */
  readonly nextStep: { readonly state: KeyState; readonly atMs: number } | null;
  /** For a next key: when every verifier can have seen it. */
  readonly safeToSignFromMs: number | null;
  readonly lastSignedAtMs: number | null;
  /** At most so many tokens depend on it, by the instances' last reports (half a minute old at most). */
  readonly unexpiredTokens: number;
}

export interface KeyList {
  readonly home: string;
  readonly revision: number;
  readonly keys: readonly KeyListing[];
  readonly problems: readonly KeyProblem[];
}

/** All keys, those that are revoked and not yet forgotten included. Throws {@link Refusal} where they were moved away. */
export async function listKeys(context: KeyAdminContext): Promise<KeyList> {
  const set = await context.store.load();
  const moved = movedAway(context.store, set);
  if (moved) throw new Refusal(moved, { outcome: 'unusable' });
  const reports = await context.store.instances();
  const nowMs = context.clock();
  const keys = set.keys.map((key) => listing(key, set, reports, context.settings, nowMs));
  return { home: context.store.description, revision: set.revision, keys, problems: set.problems };
}

function listing(
  key: SigningKey,
  set: KeySet,
  reports: readonly RecordedInstanceReport[],
  settings: KeySettings,
  nowMs: number,
): KeyListing {
  const { publicJwk: _jwk, longestTokenTtlSeconds: _ttl, ...description } = key;
  const state = keyState(key, nowMs);
  const stepAtMs = nextStepAtMs(key, nowMs);
  return {
    ...description,
    state,
    ageSeconds: Math.floor((nowMs - key.publishedAtMs) / 1000),
    canSign: set.privateKeys.has(key.kid),
    nextStep: stepAtMs === null ? null : { state: keyState(key, stepAtMs), atMs: stepAtMs },
    safeToSignFromMs: state === 'next' ? key.publishedAtMs + settings.keyPublishAheadSeconds * 1000 : null,
    ...summariseUsage(reports, key.kid, nowMs),
  };
}
