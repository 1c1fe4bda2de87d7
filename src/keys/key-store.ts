/** What the domain asks of a home for keys. Two exist: files in a directory, and the database. */
import type { JWK } from 'jose';
import type { SigningKey } from './signing-key.js';

/** Part of a home that cannot be used, named so that an admin finds it; never what it contains. */
export interface KeyProblem {
  /** A file's path or a record's name. */
  readonly source: string;
  readonly message: string;
  /** The key that is affected, when it is one. */
  readonly kid?: string;
  /** The message says what to do, and then nothing is lost: no key has to be replaced for it. */
  readonly curable?: boolean;
}

/** The set of keys at one revision. */
export interface KeySet {
  /** Grows with every write. 0: nothing was ever written. */
  readonly revision: number;
  readonly keys: readonly SigningKey[];
  /** By `kid`. A key whose private half is absent or damaged is missing here: it verifies, but cannot sign. */
  readonly privateKeys: ReadonlyMap<string, JWK>;
  /** The home to which the keys were moved: this one must not be used any more. */
  readonly movedTo: string | null;
  readonly problems: readonly KeyProblem[];
}

export interface KeySetChange {
  /** The revision that the change was decided on. */
  readonly expectedRevision: number;
  /** All the keys after the change, not only those that changed. */
  readonly keys: readonly SigningKey[];
  /** Private halves of keys that are new in this change. Those of keys that are gone or revoked are destroyed. */
  readonly newPrivateKeys: ReadonlyMap<string, JWK>;
  /** The other home that has everything now: this one's secrets are destroyed, too. */
  readonly movedTo?: string | null;
  /** Leaves nothing behind, without another home. Default: false. */
  readonly destroysSecrets?: boolean;
}

/** What one running server says of itself, so that a check can compare the servers. */
export interface InstanceReport {
  readonly instanceId: string;
  /** The instance's own clock. */
  readonly reportedAtMs: number;
  readonly startedAtMs: number;
  /** Set when the instance closed in order. */
  readonly stoppedAtMs: number | null;
  readonly revision: number;
  readonly signingKid: string | null;
  readonly usage: readonly KeyUsage[];
}

/** How much one instance signed with one key. */
export interface KeyUsage {
  readonly kid: string;
  readonly lastSignedAtMs: number;
  /** Tokens signed that have not expired, in buckets of time: when the last of a bucket expires, and how many there are. */
  readonly unexpired: readonly { readonly expiresByMs: number; readonly count: number }[];
}

export interface RecordedInstanceReport extends InstanceReport {
  /** The home's own clock at the time of the report: a difference is a wrong clock. */
  readonly recordedAtMs: number;
}

/**
 * A home for keys. It throws when it cannot be reached or is not safe to use; what it can say in an ordinary way
 * is a return value.
 */
export interface KeyStore {
  /** For messages: "files in ./keys". */
  readonly description: string;
  /** Cheap: asked every second by every server. */
  revision(): Promise<number>;
  load(): Promise<KeySet>;
  /** One atomic step, conditional on the revision: of several writers exactly one wins, the others hear `conflict`. */
  commit(change: KeySetChange): Promise<'committed' | 'conflict'>;
  /** A random 32-byte secret of the server, made at the first call ever, the same for every instance since. */
  secret(name: string): Promise<Buffer>;
  /** All secrets by name, to move them to another home. */
  secrets(): Promise<ReadonlyMap<string, Buffer>>;
  /** Stores a secret brought from another home, in place of any of that name. */
  importSecret(name: string, value: Buffer): Promise<void>;
  report(report: InstanceReport): Promise<void>;
  instances(): Promise<readonly RecordedInstanceReport[]>;
}

/** A home that encrypts what it holds. */
export interface EncryptedKeyStore extends KeyStore {
  /** Encrypts with the current key whatever the previous one encrypted. May be repeated, and run beside running servers. */
  reencrypt(): Promise<Reencryption>;
}

export interface Reencryption {
  readonly reencrypted: number;
  /** Records that were encrypted with the current key already. */
  readonly current: number;
  readonly problems: readonly KeyProblem[];
}
