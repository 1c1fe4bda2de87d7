/** The settings that decide when keys are published, sign and leave; the server's Config is one. */
import type { SigningAlg } from './signing-key.js';

export interface KeySettings {
  /** The algorithm of new keys. */
  readonly signingAlg: SigningAlg;
  /** The longest lifetime of the access tokens that this server signs. */
  readonly accessTokenTtlSeconds: number;
  readonly clockToleranceSeconds: number;
  /** How long verifiers may keep the key set: its `Cache-Control: max-age`, at most. */
  readonly jwksMaxAgeSeconds: number;
  /** How long a key is published before it may sign. */
  readonly keyPublishAheadSeconds: number;
  /** Age at which the active key is replaced without a command; 0: never. */
  readonly keyRotationIntervalSeconds: number;
}
