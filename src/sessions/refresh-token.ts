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
  secret: Buffer;
}

const prefix = 'ktr_';
const idBytes = 16;
const generationBytes = 4;
const secretBytes = 16;
const macBytes = 32;
const signedBytes = idBytes + generationBytes + secretBytes;
const tokenLength = prefix.length + Math.ceil(((signedBytes + macBytes) * 4) / 3);

/** Makes and reads refresh tokens under one MAC key (32 bytes). */
export class RefreshTokenCodec {
  readonly #macKey: KeyObject;

  constructor(macKey: Uint8Array) {
    // A key object is prepared once, bytes at every use.
    this.#macKey = createSecretKey(macKey);
  }

  encode(token: RefreshToken): string {
    const signed = Buffer.alloc(signedBytes);
    signed.write(token.sessionId.replaceAll('-', ''), 'hex');
    signed.writeUInt32BE(token.generation, idBytes);
    token.secret.copy(signed, idBytes + generationBytes);
    return prefix + Buffer.concat([signed, this.#mac(signed)]).toString('base64url');
  }

  /** The token, or undefined for whatever this server did not make. */
  decode(value: string): RefreshToken | undefined {
    if (value.length !== tokenLength || !value.startsWith(prefix)) return undefined;
    const encoded = value.slice(prefix.length);
    const bytes = Buffer.from(encoded, 'base64url');
    // One token, one string: unused bits and foreign characters are refused.
    if (bytes.length !== signedBytes + macBytes || bytes.toString('base64url') !== encoded) return undefined;
    const signed = bytes.subarray(0, signedBytes);
    if (!timingSafeEqual(this.#mac(signed), bytes.subarray(signedBytes))) return undefined;
    return {
      sessionId: uuidOf(signed.subarray(0, idBytes)),
      generation: signed.readUInt32BE(idBytes),
      secret: signed.subarray(idBytes + generationBytes),
    };
  }

  #mac(signed: Uint8Array): Buffer {
    return createHmac('sha256', this.#macKey).update('keyturn refresh token\0').update(signed).digest();
  }
}

/** The first token of a new session, generation 0. */
export function firstRefreshToken(sessionId: string, randomBytes: RandomBytes): RefreshToken {
  return { sessionId, generation: 0, secret: randomBytes(secretBytes) };
}

export function successorOf(token: RefreshToken): RefreshToken {
  return { ...token, generation: token.generation + 1 };
}

/** What the session's row keeps of its tokens' secret. */
export function sessionSecretHash(token: RefreshToken): Buffer {
  return secretHash(token.secret);
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
