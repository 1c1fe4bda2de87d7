import type { EncryptedKeyStore, KeySet, KeyStore, Reencryption } from '../../keys/key-store.js';
import { unusableHome } from './context.js';

export type KeyMove =
  | { readonly outcome: 'moved'; readonly kids: readonly string[]; readonly message: string }
  | { readonly outcome: 'refused' | 'conflict'; readonly message: string };

/**
 * Moves all keys and secrets to another home. The old one remembers where they went, and is refused from then on: two
 * homes must never both be in use.
 */
export async function moveKeys(from: KeyStore, to: KeyStore): Promise<KeyMove> {
  const source = await from.load();
  const target = await to.load();
  if (source.movedTo === to.description && target.keys.length > 0)
    return finishMove(from, source, to, target);
  const refusal = refuseMove(from, source, to, target);
  if (refusal) return { outcome: 'refused', message: refusal };
  for (const [name, value] of await from.secrets()) await to.importSecret(name, value);
  const change = { keys: source.keys, newPrivateKeys: source.privateKeys };
  const arrived = await to.commit({ ...change, expectedRevision: target.revision });
  if (arrived === 'conflict')
    return { outcome: 'conflict', message: `Keys were made in ${to.description} at the same moment.` };
  if (!(await holds(to, source)))
    return { outcome: 'refused', message: await takeBack(to, 'could not be read back') };
  if ((await leave(from, source, to)) === 'conflict')
    return { outcome: 'conflict', message: await takeBack(to, 'were changed meanwhile') };
  return {
    outcome: 'moved',
    kids: source.keys.map((key) => key.kid),
    message: `The keys are in ${to.description} now. Running servers sign on with the keys in memory: set KEY_STORE and restart each of them before the next rotation.`,
  };
}

/** The old home says where the keys went, and then destroys its own: it is safe to be killed in between. */
function leave(from: KeyStore, source: KeySet, to: KeyStore): Promise<'committed' | 'conflict'> {
  return from.commit({
    expectedRevision: source.revision,
    keys: [],
    newPrivateKeys: new Map(),
    movedTo: to.description,
  });
}

/** A move that was killed may have left something in the old home. */
async function finishMove(from: KeyStore, source: KeySet, to: KeyStore, target: KeySet): Promise<KeyMove> {
  if ((await leave(from, source, to)) === 'conflict')
    return { outcome: 'conflict', message: 'Somebody else moves the keys at the same moment.' };
  return {
    outcome: 'moved',
    kids: target.keys.map((key) => key.kid),
    message: `The keys were moved to ${to.description} before. Nothing of them is left in ${from.description}.`,
  };
}

function refuseMove(from: KeyStore, source: KeySet, to: KeyStore, target: KeySet): string | null {
  const unusable = unusableHome(from, source);
  if (unusable) return unusable;
  const damaged = source.problems.map(({ source: name, message }) => `${name} ${message}`);
  if (damaged.length > 0) return `Keys are damaged, and a move would lose them: ${damaged.join('; ')}`;
  return target.keys.length > 0 || target.problems.length > 0
    ? `There are keys in ${to.description} already.`
    : null;
}

async function holds(home: KeyStore, expected: KeySet): Promise<boolean> {
  const { keys, privateKeys, problems } = await home.load();
  return (
    problems.length === 0 &&
    keys.length === expected.keys.length &&
    privateKeys.size === expected.privateKeys.size
  );
}

async function takeBack(home: KeyStore, why: string): Promise<string> {
  const expectedRevision = await home.revision();
  await home.commit({ expectedRevision, keys: [], newPrivateKeys: new Map(), destroysSecrets: true });
  return `The keys ${why}, and stay where they are. Repeat the command.`;
}

export interface ReencryptionResult extends Reencryption {
  readonly outcome: 'done' | 'incomplete';
  readonly message: string;
}

/** Encrypts with KEY_ENCRYPTION_KEY whatever KEY_ENCRYPTION_KEY_PREVIOUS encrypted. */
export async function reencryptKeys(store: EncryptedKeyStore): Promise<ReencryptionResult> {
  const result = await store.reencrypt();
  const failed = result.problems.map(({ source, message }) => `${source} ${message}`);
  if (failed.length > 0)
    return {
      ...result,
      outcome: 'incomplete',
      message: `Not everything could be re-encrypted: ${failed.join('; ')}`,
    };
  const message =
    'Everything is encrypted with KEY_ENCRYPTION_KEY. Once every server runs with it, KEY_ENCRYPTION_KEY_PREVIOUS can go.';
  return { ...result, outcome: 'done', message };
}
