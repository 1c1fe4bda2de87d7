/**
 * Keys in a directory, which may be a volume that several servers share. Each private key has a file of its own; one
 * file per revision describes all keys. A change first writes the new private keys, then links the description of the next
 * revision to its name: a link fails if the name exists, so exactly one of several writers wins, in one step, and a process
 * killed at any point leaves either the old set or the new one.
 */
import type { Clock } from '../../clock.js';
import type {
  InstanceReport,
  KeySet,
  KeySetChange,
  KeyStore,
  RecordedInstanceReport,
} from '../../keys/key-store.js';
import { decodeReport } from '../../keys/report-codec.js';
import type { RandomBytes } from '../../secrets.js';
import {
  instanceFile,
  isInstanceFile,
  isTemporaryFile,
  keySetFile,
  kidsIn,
  privateKeyFile,
  revisionsIn,
  secretFile,
  secretNamesIn,
} from './file-names.js';
import { encodeKeySet, readKeySet } from './key-set-files.js';
import { PrivateFileError } from './ownership.js';
import { PrivateDirectory } from './private-directory.js';

/** Older descriptions that are kept, in case the newest is damaged. */
const KEPT_REVISIONS = 3;
/** What a killed process left behind is removed when no living one can still need it. */
const LEFTOVER_AGE_MS = 600_000;
const INSTANCE_KEPT_MS = 7 * 86_400_000;
const SECRET_BYTES = 32;

export class FileKeyStore implements KeyStore {
  readonly description: string;
  readonly #directory: PrivateDirectory;
  readonly #clock: Clock;
  readonly #randomBytes: RandomBytes;

  constructor(options: { directory: string; clock: Clock; randomBytes: RandomBytes }) {
    this.#directory = new PrivateDirectory(options.directory);
    this.description = `files in ${this.#directory.path}`;
    this.#clock = options.clock;
    this.#randomBytes = options.randomBytes;
  }

  async revision(): Promise<number> {
    return revisionsIn(await this.#directory.list())[0] ?? 0;
  }

  /** A directory that holds nothing of ours yet is created or closed to others; any other must be closed already. */
  async load(): Promise<KeySet> {
    await this.#prepare();
    for (;;) {
      const set = await readKeySet(this.#directory, await this.#directory.list());
      // A writer that came between removes files: what is missing then is no damage
      if ((await this.revision()) === set.revision) return set;
    }
  }

  async commit(change: KeySetChange): Promise<'committed' | 'conflict'> {
    const revision = change.expectedRevision + 1;
    if ((await this.revision()) !== change.expectedRevision) return 'conflict';
    for (const [kid, jwk] of change.newPrivateKeys)
      await this.#directory.create(privateKeyFile(kid), `${JSON.stringify(jwk)}\n`);
    const text = encodeKeySet(change.keys, change.movedTo ?? null);
    const outcome = await this.#directory.create(keySetFile(revision), text);
    if (outcome === 'exists' || (await this.#isLongGone(revision))) {
      if (outcome === 'created') await this.#directory.remove(keySetFile(revision));
      for (const kid of change.newPrivateKeys.keys()) await this.#directory.remove(privateKeyFile(kid));
      return 'conflict';
    }
    await this.#cleanUp(change, revision);
    return 'committed';
  }

  /**
   * Whether others were at this revision so long ago that its name was free again. A few revisions beyond it are built on the
   * one just created, and list its keys.
   */
  async #isLongGone(revision: number): Promise<boolean> {
    return (await this.revision()) >= revision + KEPT_REVISIONS;
  }

  async secret(name: string): Promise<Buffer> {
    await this.#prepare();
    const existing = await this.#readSecret(name);
    if (existing) return existing;
    const made = this.#randomBytes(SECRET_BYTES).toString('base64url');
    await this.#directory.create(secretFile(name), `${made}\n`);
    return (await this.#readSecret(name)) ?? this.secret(name);
  }

  async secrets(): Promise<ReadonlyMap<string, Buffer>> {
    const secrets = new Map<string, Buffer>();
    for (const name of secretNamesIn(await this.#directory.list())) {
      const value = await this.#readSecret(name);
      if (value) secrets.set(name, value);
    }
    return secrets;
  }

  async importSecret(name: string, value: Buffer): Promise<void> {
    await this.#prepare();
    await this.#directory.replace(secretFile(name), `${value.toString('base64url')}\n`);
  }

  async report(report: InstanceReport): Promise<void> {
    await this.#directory.replace(instanceFile(report.instanceId), JSON.stringify(report));
    const reports = (await this.#directory.list()).filter(isInstanceFile);
    await this.#directory.removeOlder(reports, this.#clock() - INSTANCE_KEPT_MS);
  }

  async instances(): Promise<readonly RecordedInstanceReport[]> {
    const names = (await this.#directory.list()).filter(isInstanceFile);
    const reports = await Promise.all(names.map((name) => this.#readReport(name)));
    return reports.filter((report) => report !== undefined);
  }

  async #readReport(name: string): Promise<RecordedInstanceReport | undefined> {
    const file = await this.#directory.read(name);
    if (!file) return undefined;
    try {
      return { ...decodeReport(JSON.parse(file.text)), recordedAtMs: file.modifiedAtMs };
    } catch {
      return undefined;
    }
  }

  /**
   * The empty first description tells an interrupted first start (keys, but not described) from a lost one: over
   * private keys without any description no new ones are made.
   */
  async #prepare(): Promise<void> {
    const names = await this.#directory.list();
    if (revisionsIn(names).length > 0) return this.#directory.ensure();
    if (kidsIn(names).length > 0)
      throw new PrivateFileError(
        `${this.#directory.path} holds private keys but no ${keySetFile(1).replace(/\d+/, '*')}: restore it from a backup, ` +
          'or move the keys away to start with new ones',
      );
    await (secretNamesIn(names).length > 0 ? this.#directory.ensure() : this.#directory.tighten());
    await this.#directory.create(keySetFile(1), encodeKeySet([], null));
  }

  async #readSecret(name: string): Promise<Buffer | undefined> {
    const file = await this.#directory.read(secretFile(name));
    if (!file) return undefined;
    const value = Buffer.from(file.text.trim(), 'base64url');
    if (value.length !== SECRET_BYTES)
      throw new PrivateFileError(
        `${this.#directory.filePath(secretFile(name))} is damaged: restore it from a backup`,
      );
    return value;
  }

  async #cleanUp(change: KeySetChange, revision: number): Promise<void> {
    const names = await this.#directory.list();
    const outdated = revisionsIn(names).filter((older) => older <= revision - KEPT_REVISIONS);
    for (const older of outdated) await this.#directory.remove(keySetFile(older));
    const revoked = change.keys.filter((key) => key.revokedAtMs !== null);
    for (const { kid } of revoked) await this.#directory.remove(privateKeyFile(kid));
    const known = new Set(change.keys.map((key) => key.kid));
    const strays = kidsIn(names)
      .filter((kid) => !known.has(kid))
      .map(privateKeyFile);
    const secrets = secretNamesIn(names).map(secretFile);
    const leaving = [
      ...(change.movedTo ? strays : []),
      ...(change.movedTo || change.destroysSecrets ? secrets : []),
    ];
    for (const name of leaving) await this.#directory.remove(name);
    const leftovers = [...names.filter(isTemporaryFile), ...strays];
    await this.#directory.removeOlder(leftovers, this.#clock() - LEFTOVER_AGE_MS);
  }
}
