/**
 * The refresh token: `ktr_` and, in base64url, session id (16 bytes), generation (4), session secret (16), MAC (32).
 *
 * The MAC, under a key that only the server has, is checked before any query, so garbage costs nothing. The database holds
 * only the hash of the session secret, so a dump of it yields nothing to present, with the MAC key or without. And since all
 * but the generation stays the same, the server makes the same successor again without storing it.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type RandomBytes, secretHash } from '../secrets.js';

export interface RefreshToken {
  sessionId: string;
  generation: number;
  /** What the MAC covers: session id, generation, session secret. */
  content: Buffer;
}

const prefix = 'ktr_';
const idBytes = 16;
const secretOffset = idBytes + 4;
const secretBytes = 16;
const macBytes = 32;
const contentBytes = secretOffset + secretBytes;
const tokenBytes = contentBytes + macBytes;
const tokenLength = prefix.length + Math.ceil((tokenBytes * 4) / 3);

/** Makes and reads refresh tokens under one MAC key (32 bytes). */
export class RefreshTokenCodec {
  readonly #macKey: KeyObject;

  constructor(macKey: Uint8Array) {
    // A key object is prepared once, bytes at every use.
    this.#macKey = createSecretKey(macKey);
  }

  encode({ content }: RefreshToken): string {
    return prefix + Buffer.concat([content, this.#mac(content)], tokenBytes).toString('base64url');
  }

  /** The token, or undefined for whatever this server did not make. */
  decode(value: string): RefreshToken | undefined {
    if (value.length !== tokenLength || !value.startsWith(prefix)) return undefined;
    const encoded = value.slice(prefix.length);
    const bytes = Buffer.from(encoded, 'base64url');
    // One token, one string: unused bits and foreign characters are refused.
    if (bytes.length !== tokenBytes || bytes.toString('base64url') !== encoded) return undefined;
    const content = bytes.subarray(0, contentBytes);
    if (!timingSafeEqual(this.#mac(content), bytes.subarray(contentBytes))) return undefined;
    return { sessionId: uuidAt(content), generation: content.readUInt32BE(idBytes), content };
  }

  #mac(content: Uint8Array): Buffer {
    return createHmac('sha256', this.#macKey).update('keyturn refresh token\0').update(content).digest();
  }
}

/** The first token of a new session, generation 0. */
export function firstRefreshToken(sessionId: string, randomBytes: RandomBytes): RefreshToken {
  const content = Buffer.alloc(contentBytes);
  content.write(sessionId.replaceAll('-', ''), 'hex');
  randomBytes(secretBytes).copy(content, secretOffset);
  return { sessionId, generation: 0, content };
}

export function successorOf(token: RefreshToken): RefreshToken {
  const generation = token.generation + 1;
  const content = Buffer.from(token.content);
  content.writeUInt32BE(generation, idBytes);
  return { sessionId: token.sessionId, generation, content };
}

/** What the session's row keeps of its tokens' secret. */
export function sessionSecretHash({ content }: RefreshToken): Buffer {
  return secretHash(content.subarray(secretOffset));
}

/** RFC 9562 §4, of the first 16 bytes. */
function uuidAt(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, idBytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
