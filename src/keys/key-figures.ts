/** The keys in numbers, for whoever watches them from outside. Pure. No key is named: kids come and go without end. */
import { automaticRotationAtMs } from './key-set-document.js';
import type { KeySettings } from './key-settings.js';
import {
  activeKey,
  type KeyState,
  keyState,
  nextKey,
  type SigningAlg,
  type SigningKey,
} from './signing-key.js';

/** What the clock will do by itself. */
export type KeyStep = 'next_may_sign' | 'rotation' | 'removal';

export interface KeyFigures {
  readonly counts: readonly { readonly alg: SigningAlg; readonly state: KeyState; readonly count: number }[];
  /** How long the active key has signed. */
  readonly activeAges: readonly { readonly alg: SigningAlg; readonly seconds: number }[];
  /** Never negative; a step that is not planned is missing. */
  readonly steps: readonly { readonly alg: SigningAlg; readonly step: KeyStep; readonly seconds: number }[];
}

const counted: readonly KeyState[] = ['next', 'active', 'retired', 'revoked'];

export function keyFigures(keys: readonly SigningKey[], settings: KeySettings, nowMs: number): KeyFigures {
  const algs = [...new Set(keys.map((key) => key.alg))];
  const ofAlg = (alg: SigningAlg) => keys.filter((key) => key.alg === alg);
  return {
    counts: algs.flatMap((alg) =>
      counted.map((state) => ({
        alg,
        state,
        count: ofAlg(alg).filter((key) => keyState(key, nowMs) === state).length,
      })),
    ),
    activeAges: algs.flatMap((alg) => {
      const activatedAtMs = activeKey(ofAlg(alg), nowMs)?.activatesAtMs ?? null;
      return activatedAtMs === null ? [] : [{ alg, seconds: (nowMs - activatedAtMs) / 1000 }];
    }),
    steps: algs.flatMap((alg) =>
      stepsOf(ofAlg(alg), settings, nowMs).map(([step, atMs]) => ({
        alg,
        step,
        seconds: Math.max(0, (atMs - nowMs) / 1000),
      })),
    ),
  };
}

function stepsOf(
  keys: readonly SigningKey[],
  settings: KeySettings,
  nowMs: number,
): [step: KeyStep, atMs: number][] {
  const next = nextKey(keys, nowMs);
  const removals = keys.filter((key) => keyState(key, nowMs) === 'retired').map((key) => key.removesAtMs);
  const steps: [KeyStep, number | null | undefined][] = [
    ['next_may_sign', next && next.publishedAtMs + settings.keyPublishAheadSeconds * 1000],
    ['rotation', next?.activatesAtMs ?? automaticRotationAtMs(keys, settings, nowMs)],
    ['removal', earliest(removals)],
  ];
  return steps.filter((step): step is [KeyStep, number] => typeof step[1] === 'number');
}

function earliest(instants: readonly (number | null)[]): number | null {
  const known = instants.filter((instant) => instant !== null);
  return known.length === 0 ? null : Math.min(...known);
}
