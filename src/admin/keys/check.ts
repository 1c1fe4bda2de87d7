/** What is wrong with the signing keys, or soon will be. */
import { setTimeout as sleep } from 'node:timers/promises';
import { automaticRotationAtMs } from '../../keys/key-set-document.js';
import type { KeySettings } from '../../keys/key-settings.js';
import type { KeySet, RecordedInstanceReport } from '../../keys/key-store.js';
import { waitingKeys } from '../../keys/rotation.js';
import { activeKey } from '../../keys/signing-key.js';
import { instant, type KeyAdminContext, unusableHome } from './context.js';

export interface KeyCheck {
  /** False: something must be done. */
  readonly ok: boolean;
  readonly problems: readonly string[];
  /** Worth knowing; nothing breaks. */
  readonly warnings: readonly string[];
  /** The servers that reported lately. */
  readonly instances: readonly RecordedInstanceReport[];
}

/** Running servers report at least every half minute. */
const LIVE_MS = 90_000;
/** A server needs so long to take up a change and report it. */
const SETTLING_MS = 3_000;
const NOTABLE_SKEW_MS = 2_000;
const YEAR_MS = 365 * 86_400_000;

export async function checkKeys(context: KeyAdminContext): Promise<KeyCheck> {
  try {
    return await checkReadable(context);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown failure';
    return { ok: false, problems: [`The keys cannot be read: ${message}`], warnings: [], instances: [] };
  }
}

async function checkReadable(context: KeyAdminContext): Promise<KeyCheck> {
  const { store, settings, clock } = context;
  let { set, instances } = await look(context);
  if (instances.some((instance) => instance.revision !== set.revision)) {
    await sleep(SETTLING_MS);
    ({ set, instances } = await look(context));
  }
  const unusable = unusableHome(store, set);
  const problems = [
    // What was seen comes first: the command that it needs, and only then those that replace a key.
    ...(unusable ? [] : set.problems.map(({ source, message }) => `${source} ${message}.`)),
    ...(unusable ? [unusable] : problemsOfKeys(set, settings, clock())),
    ...instances.flatMap((instance) => problemsOfInstance(instance, set, settings)),
    ...disagreement(instances),
  ];
  const warnings = [...warningsOfKeys(set, settings, clock()), ...instances.flatMap(skewWarning)];
  return { ok: problems.length === 0, problems, warnings, instances };
}

async function look({ store, clock }: KeyAdminContext) {
  const set = await store.load();
  const reports = await store.instances();
  const sinceMs = clock() - LIVE_MS;
  const instances = reports.filter((report) => report.stoppedAtMs === null && report.recordedAtMs > sinceMs);
  return { set, instances };
}

function problemsOfKeys(set: KeySet, settings: KeySettings, nowMs: number): string[] {
  return [...problemsOfActiveKey(set, nowMs), ...problemsOfNextKey(set, settings, nowMs)];
}

function problemsOfActiveKey(set: KeySet, nowMs: number): string[] {
  const active = activeKey(set.keys, nowMs);
  if (!active) return ['No key is active: nothing can be signed. Run `keyturn keys rotate --force`.'];
  if (set.privateKeys.has(active.kid)) return [];
  const remedy = 'restore it from a backup, or run `keyturn keys rotate --force`';
  return [`The active key ${active.kid} cannot sign: ${isCurable(set, active.kid) ? thatFirst : remedy}.`];
}

const thatFirst = 'that comes first, then run this check again';

/** Whether the message about the key already says what to do, and nothing has to be replaced. */
function isCurable({ problems }: KeySet, kid: string): boolean {
  return problems.some((problem) => problem.kid === kid && problem.curable === true);
}

function problemsOfNextKey(set: KeySet, settings: KeySettings, nowMs: number): string[] {
  const waiting = waitingKeys(set.keys, nowMs)[0];
  if (!waiting) return ['No next key is published: a rotation could not be safe. A running server adds one.'];
  if (!set.privateKeys.has(waiting.kid)) {
    const remedy = `\`keyturn keys revoke ${waiting.kid}\` replaces it`;
    return [`The next key ${waiting.kid} cannot sign: ${isCurable(set, waiting.kid) ? thatFirst : remedy}.`];
  }
  const dueAtMs = automaticRotationAtMs(set.keys, settings, nowMs);
  const possibleAtMs = waiting.publishedAtMs + settings.keyPublishAheadSeconds * 1000;
  if (dueAtMs !== null && nowMs > Math.max(dueAtMs, possibleAtMs) + LIVE_MS)
    return [`The automatic rotation has been due since ${instant(dueAtMs)}: no server has done it.`];
  return [];
}

function problemsOfInstance(instance: RecordedInstanceReport, set: KeySet, settings: KeySettings): string[] {
  const name = `The server ${instance.instanceId}`;
  const skewMs = Math.abs(instance.recordedAtMs - instance.reportedAtMs);
  const problems: string[] = [];
  if (instance.revision !== set.revision)
    problems.push(`${name} works with revision ${instance.revision} of the keys instead of ${set.revision}.`);
  if (instance.signingKid === null) problems.push(`${name} has no key to sign with.`);
  if (skewMs > Math.max(NOTABLE_SKEW_MS, settings.clockToleranceSeconds * 1000))
    problems.push(`${name} has a clock that is wrong by ${Math.round(skewMs / 1000)} s.`);
  return problems;
}

function disagreement(instances: readonly RecordedInstanceReport[]): string[] {
  const revision = Math.max(...instances.map((instance) => instance.revision));
  const current = instances.filter((instance) => instance.revision === revision);
  const kids = new Set(current.map((instance) => instance.signingKid));
  return kids.size > 1 ? [`Servers sign with different keys: ${[...kids].join(', ')}.`] : [];
}

function skewWarning(instance: RecordedInstanceReport): string[] {
  const skewMs = Math.abs(instance.recordedAtMs - instance.reportedAtMs);
  if (skewMs <= NOTABLE_SKEW_MS) return [];
  return [`The clock of the server ${instance.instanceId} differs by ${Math.round(skewMs / 1000)} s.`];
}

function warningsOfKeys(set: KeySet, settings: KeySettings, nowMs: number): string[] {
  const active = activeKey(set.keys, nowMs);
  const rules: [notable: boolean, message: string][] = [
    [
      active !== undefined && active.alg !== settings.signingAlg,
      `SIGNING_ALG is ${settings.signingAlg}, but the active key is ${active?.alg}: \`keyturn keys rotate --alg ${settings.signingAlg}\`.`,
    ],
    [
      nowMs - (active?.activatesAtMs ?? nowMs) > YEAR_MS,
      'The active key has signed for more than a year: rotate it.',
    ],
  ];
  return rules.filter(([isNotable]) => isNotable).map(([, message]) => message);
}
