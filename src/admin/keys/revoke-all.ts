import { commitRevocationOfAll } from '../../keys/key-changes.js';
import { waitingKeys } from '../../keys/rotation.js';
import { activeKey, isPublished, type SigningKey } from '../../keys/signing-key.js';
import { announce } from './announcement.js';
import { duration, type KeyAdminContext, recordKeyEvent, unusableHome } from './context.js';

export interface AllKeysRevoked {
  readonly outcome: 'revoked' | 'dry-run';
  /** The keys that are gone. */
  readonly kids: readonly string[];
  /** `null` where nothing was changed. */
  readonly signingKid: string | null;
  readonly nextKid: string | null;
  /** Whether the feed has all of them. */
  readonly announced: boolean;
  readonly message: string;
  readonly consequences: readonly string[];
  readonly warnings: readonly string[];
}

export type AllKeysRevocationResult =
  | AllKeysRevoked
  | { readonly outcome: 'conflict' | 'unusable'; readonly message: string };

export interface RevokeAllOptions {
  readonly reason?: string;
  /** Tells what would follow, and changes nothing. */
  readonly dryRun?: boolean;
}

/**
 * Withdraws every key at once, for when somebody has read the home: they have the next key as well, and withdrawing only the
 * active one would make exactly that one sign.
 */
export async function revokeAllKeys(
  context: KeyAdminContext,
  { reason = 'compromised', dryRun = false }: RevokeAllOptions,
): Promise<AllKeysRevocationResult> {
  const set = await context.store.load();
  const nowMs = context.clock();
  const unusable = unusableHome(context.store, set);
  if (unusable) return { outcome: 'unusable', message: unusable };
  const kids = set.keys.filter((key) => isPublished(key, nowMs)).map((key) => key.kid);
  if (dryRun) return rehearsal(context, kids);
  const committed = await commitRevocationOfAll(context, set, reason, nowMs);
  if (committed.outcome === 'conflict') return { outcome: 'conflict', message: conflict };
  const unannounced = await announceEach(context, kids, reason, nowMs);
  const unrecorded = await recordKeyEvent(context, 'keys_revoked', { kids, reason });
  return {
    ...outcomeOf(context, kids, committed.keys, nowMs),
    announced: unannounced.length === 0,
    warnings: [...unannounced.map(announceLater), ...unrecorded],
  };
}

const conflict =
  'Somebody else changed the keys at the same moment, and nothing was revoked. Repeat the command.';

function announceLater(kid: string): string {
  return `The revocation feed could not be written: verifiers that follow it do not know. Run \`keyturn keys revoke ${kid}\` when the database is back; do not repeat this command, which would replace the new keys.`;
}

async function announceEach(
  context: KeyAdminContext,
  kids: readonly string[],
  reason: string,
  nowMs: number,
): Promise<string[]> {
  const unannounced: string[] = [];
  for (const kid of kids) if (!(await announce(context, kid, reason, nowMs))) unannounced.push(kid);
  return unannounced;
}

function rehearsal(context: KeyAdminContext, kids: readonly string[]): AllKeysRevoked {
  return {
    outcome: 'dry-run',
    kids,
    signingKid: null,
    nextKid: null,
    announced: false,
    message: `Nothing was changed. It would revoke all ${kids.length} published keys: ${kids.join(', ')}.`,
    consequences: consequencesOf(context),
    warnings: [],
  };
}

function outcomeOf(
  context: KeyAdminContext,
  kids: readonly string[],
  keys: readonly SigningKey[],
  nowMs: number,
) {
  const signingKid = activeKey(keys, nowMs)?.kid ?? null;
  return {
    outcome: 'revoked' as const,
    kids,
    signingKid,
    nextKid: waitingKeys(keys, nowMs)[0]?.kid ?? null,
    message: `All ${kids.length} published keys are revoked: ${kids.join(', ')}. ${signingKid}, made just now, signs. Running servers take it up within seconds.`,
    consequences: consequencesOf(context),
  };
}

function consequencesOf({ settings }: KeyAdminContext): string[] {
  const age = duration(settings.jwksMaxAgeSeconds * 1000);
  return [
    'Every access token is dead. Clients get new ones by refreshing; nobody has to log in again. Services get new ones by asking.',
    'The new key signs at once: a verifier learns it at the first unknown kid. Some libraries fetch a key set at most every 30 s, and reject new tokens until then.',
    'Verifiers that follow the revocation feed reject the old keys within a second.',
    `The others accept them until their copy of the key set expires: ${age} as advertised, 10 minutes with jose and jwks-rsa. Restart them to cut it short.`,
    'Refresh tokens and sessions are as they were: see `keyturn sessions revoke`.',
  ];
}
