/** What follows from a set of keys at an instant: which one signs, which verify, what is published. */
import type { CryptoKey } from 'jose';
import type { ImportedKeys } from './imported-keys.js';
import {
  type KeySetDocument,
  keySetDocument,
  nextKeySetChangeAtMs,
  nextStateChangeAtMs,
} from './key-set-document.js';
import type { KeySettings } from './key-settings.js';
import { createSigner, type Signer } from './signer.js';
import { activeKey, isPublished, type SigningKey } from './signing-key.js';

export interface KeyRingView {
  /** The view holds until then: some key changes state. */
  readonly validUntilMs: number;
  readonly signer: Signer | undefined;
  readonly verificationKeys: ReadonlyMap<string, { readonly alg: string; readonly publicKey: CryptoKey }>;
  readonly document: KeySetDocument;
  readonly nextKeySetChangeAtMs: number | null;
}

export function keyRingView(
  keys: readonly SigningKey[],
  imported: ImportedKeys,
  settings: KeySettings,
  nowMs: number,
  counterFor: (kid: string) => () => void,
): KeyRingView {
  return {
    validUntilMs: nextStateChangeAtMs(keys, nowMs),
    signer: signerOf(activeKey(keys, nowMs), imported, counterFor),
    verificationKeys: verificationKeysOf(keys, imported, nowMs),
    document: keySetDocument(keys, nowMs),
    nextKeySetChangeAtMs: nextKeySetChangeAtMs(keys, settings, nowMs),
  };
}

function signerOf(
  key: SigningKey | undefined,
  imported: ImportedKeys,
  counterFor: (kid: string) => () => void,
): Signer | undefined {
  const privateKey = key && imported.privateKey(key.kid);
  return key && privateKey && createSigner(key.kid, key.alg, privateKey, counterFor(key.kid));
}

function verificationKeysOf(keys: readonly SigningKey[], imported: ImportedKeys, nowMs: number) {
  const verificationKeys = new Map<string, { alg: string; publicKey: CryptoKey }>();
  for (const { kid, alg } of keys.filter((key) => isPublished(key, nowMs))) {
    const publicKey = imported.publicKey(kid);
    if (publicKey) verificationKeys.set(kid, { alg, publicKey });
  }
  return verificationKeys;
}
