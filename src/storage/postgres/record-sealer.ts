/** Encrypts what the database must not be able to read: JWE (RFC 7516), with a key from the environment. */
import { createHash } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';

interface EncryptionKey {
  /** Names the key in the JWE, so that it is told which one opens it; says nothing about the key. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class RecordSealer {
  readonly #current: EncryptionKey;
  readonly #known: ReadonlyMap<string, EncryptionKey>;

  /** @param current 32 bytes in base64url; `previous` still opens what was sealed before */
  constructor(current: string, previous?: string) {
    this.#current = encryptionKey(current);
    const keys = previous === undefined ? [] : [encryptionKey(previous)];
    this.#known = new Map([...keys, this.#current].map((key) => [key.id, key]));
  }

  /** Seals a text for the record of this name: it cannot be passed off as another record's. */
  seal(recordName: string, text: string): Promise<string> {
    return new CompactEncrypt(encoder.encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: this.#current.id, sub: recordName })
      .encrypt(this.#current.bytes);
  }

  /** @throws Error that says why it cannot be opened, and not what it contains */
  async open(recordName: string, jwe: string): Promise<string> {
    const key = this.#known.get(keyIdOf(jwe));
    if (!key) throw new Error('was encrypted with another key than KEY_ENCRYPTION_KEY');
    const { plaintext, protectedHeader } = await decrypt(jwe, key);
    if (protectedHeader.sub !== recordName) throw new Error('was encrypted for another record');
    return decoder.decode(plaintext);
  }

  isCurrent(jwe: string): boolean {
    return keyIdOf(jwe) === this.#current.id;
  }
}

async function decrypt(jwe: string, key: EncryptionKey) {
  try {
    return await compactDecrypt(jwe, key.bytes, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
  } catch {
    throw new Error('is damaged: it does not decrypt');
  }
}

function encryptionKey(base64url: string): EncryptionKey {
  const bytes = new Uint8Array(Buffer.from(base64url, 'base64url'));
  if (bytes.length !== 32) throw new Error('KEY_ENCRYPTION_KEY must be 32 bytes in base64url');
  const id = createHash('sha256').update('keyturn key id').update(bytes).digest('base64url').slice(0, 11);
  return { id, bytes };
}

function keyIdOf(jwe: string): string {
  try {
    const { kid } = decodeProtectedHeader(jwe);
    return typeof kid === 'string' ? kid : '';
  } catch {
    throw new Error('is damaged: it is no JWE');
  }
}
