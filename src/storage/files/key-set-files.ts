/** Reads a key set and its private keys from their files; damage becomes a problem that names the file. */
import type { JWK } from 'jose';
import { asRecord, decodeKey, decodePrivateJwk, encodeKey } from '../../keys/key-codec.js';
import type { KeyProblem, KeySet } from '../../keys/key-store.js';
import type { SigningKey } from '../../keys/signing-key.js';
import { keySetFile, kidsIn, privateKeyFile, revisionsIn } from './file-names.js';
import { PermissionsError } from './ownership.js';
import type { PrivateDirectory } from './private-directory.js';

interface KeySetText {
  readonly keys: readonly SigningKey[];
  readonly movedTo: string | null;
}

export function encodeKeySet(keys: readonly SigningKey[], movedTo: string | null): string {
  return `${JSON.stringify({ movedTo, keys: keys.map(encodeKey) }, null, 2)}\n`;
}

/** The newest readable key set. One that is damaged is skipped for the one before: a key is better than none. */
export async function readKeySet(directory: PrivateDirectory, names: readonly string[]): Promise<KeySet> {
  const revisions = revisionsIn(names);
  const problems: KeyProblem[] = [];
  for (const revision of revisions) {
    const found = await attempt(directory, keySetFile(revision), decodeKeySet, problems);
    if (!found) continue;
    const keys = problems.length === 0 ? found.keys : withPrivateFile(found.keys, names);
    const privateKeys = await readPrivateKeys(directory, keys, problems);
    return { revision: revisions[0] ?? 0, keys, privateKeys, movedTo: found.movedTo, problems };
  }
  return { revision: revisions[0] ?? 0, keys: [], privateKeys: new Map(), movedTo: null, problems };
}

/** An older key set may not know of a revocation; but a revocation also destroys the private key's file. */
function withPrivateFile(keys: readonly SigningKey[], names: readonly string[]): SigningKey[] {
  const kids = new Set(kidsIn(names));
  return keys.filter((key) => kids.has(key.kid) || key.revokedAtMs !== null);
}

async function readPrivateKeys(
  directory: PrivateDirectory,
  keys: readonly SigningKey[],
  problems: KeyProblem[],
): Promise<Map<string, JWK>> {
  const privateKeys = new Map<string, JWK>();
  for (const key of keys.filter(({ revokedAtMs }) => revokedAtMs === null)) {
    const decode = (value: unknown) => decodePrivateJwk(value, key);
    const jwk = await attempt(directory, privateKeyFile(key.kid), decode, problems, key.kid);
    if (jwk) privateKeys.set(key.kid, jwk);
  }
  return privateKeys;
}

async function attempt<T>(
  directory: PrivateDirectory,
  name: string,
  decode: (value: unknown) => T,
  problems: KeyProblem[],
  kid?: string,
): Promise<T | undefined> {
  const source = directory.filePath(name);
  const about = { source, ...(kid ? { kid } : {}) };
  try {
    const file = await directory.read(name);
    if (file) return decode(parseJson(file.text));
    problems.push({ ...about, message: 'is missing' });
  } catch (error) {
    const curable = error instanceof PermissionsError;
    problems.push({ ...about, message: describe(error, source), ...(curable ? { curable } : {}) });
  }
  return undefined;
}

/** The parser's own message quotes the text: a private key must not get into a log that way. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('is not valid JSON: damaged or truncated');
  }
}

function describe(error: unknown, source: string): string {
  const message = error instanceof Error ? error.message : 'cannot be read';
  return message.startsWith(`${source} `) ? message.slice(source.length + 1) : message;
}

function decodeKeySet(value: unknown): KeySetText {
  const { keys, movedTo } = asRecord(value);
  if (!Array.isArray(keys)) throw new Error('has no keys');
  return { keys: keys.map(decodeKey), movedTo: typeof movedTo === 'string' ? movedTo : null };
}
