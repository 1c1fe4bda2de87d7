import { hash, randomBytes } from 'node:crypto';

/** Cryptographically strong random bytes. Injected, so that randomness is an argument. */
export type RandomBytes = (size: number) => Buffer;

export const systemRandomBytes: RandomBytes = (size) => randomBytes(size);

/** What is stored of a high-entropy secret: its SHA-256. */
export function secretHash(secret: string | Uint8Array): Buffer {
  return hash('sha256', secret, 'buffer');
}
