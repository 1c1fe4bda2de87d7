/**
 * Keys in the database, for servers that share no disk. One record describes all keys, as of a revision; each private
 * key and each secret is a record of its own, encrypted. A change is one statement, conditional on the revision.
 */
import type { JWK } from 'jose';
import { asRecord, decodeKey, decodePrivateJwk, encodeKey } from '../../keys/key-codec.js';
import type {
  EncryptedKeyStore,
  InstanceReport,
  KeyProblem,
  KeySet,
  KeySetChange,
  RecordedInstanceReport,
  Reencryption,
} from '../../keys/key-store.js';
import { decodeReport } from '../../keys/report-codec.js';
import type { SigningKey } from '../../keys/signing-key.js';
import type { RandomBytes } from '../../secrets.js';
import type { Database } from './database.js';
import {
  commitKeySet,
  createKeySet,
  createSecret,
  findEncrypted,
  findReports,
  findRevision,
  findSecrets,
  loadAll,
  type RecordRow,
  replaceEncrypted,
  replaceSecret,
  upsertReport,
} from './key-statements.js';
import type { RecordSealer } from './record-sealer.js';

export class PostgresKeyStore implements EncryptedKeyStore {
  readonly description = 'the database';
  readonly #database: Database;
  readonly #sealer: RecordSealer;
  readonly #randomBytes: RandomBytes;

  constructor(options: { database: Database; sealer: RecordSealer; randomBytes: RandomBytes }) {
    this.#database = options.database;
    this.#sealer = options.sealer;
    this.#randomBytes = options.randomBytes;
  }

  async revision(): Promise<number> {
    const [row] = await this.#database.run(findRevision, []);
    return row?.revision ?? 0;
  }

  async load(): Promise<KeySet> {
    const rows = await this.#database.run(loadAll, []);
    const head = rows.find((row) => row.name === 'key-set');
    if (!head) {
      await this.#database.run(createKeySet, []);
      return this.load();
    }
    const problems: KeyProblem[] = [];
    const { keys, movedTo } = decodeHead(head, problems);
    const privateKeys = await this.#openPrivateKeys(keys, rows, problems);
    return { revision: head.revision, keys, privateKeys, movedTo, problems };
  }

  async commit(change: KeySetChange): Promise<'committed' | 'conflict'> {
    const head = { movedTo: change.movedTo ?? null, keys: change.keys.map(encodeKey) };
    const kept = change.keys.filter((key) => key.revokedAtMs === null).map((key) => recordName(key.kid));
    const added = [...change.newPrivateKeys];
    const names = added.map(([kid]) => recordName(kid));
    const encrypted = await Promise.all(
      added.map(([kid, jwk]) => this.#sealer.seal(recordName(kid), JSON.stringify(jwk))),
    );
    const destroysSecrets = Boolean(change.movedTo) || change.destroysSecrets === true;
    const values = [change.expectedRevision, JSON.stringify(head), kept, names, encrypted, destroysSecrets];
    const rows = await this.#database.run(commitKeySet, values);
    return rows.length > 0 ? 'committed' : 'conflict';
  }

  async secret(name: string): Promise<Buffer> {
    const existing = (await this.#secretsLike(secretRecordName(name))).get(name);
    if (existing) return existing;
    const made = this.#randomBytes(32).toString('base64url');
    const record = secretRecordName(name);
    await this.#database.run(createSecret, [record, await this.#sealer.seal(record, made)]);
    return this.secret(name);
  }

  secrets(): Promise<ReadonlyMap<string, Buffer>> {
    return this.#secretsLike('secret:%');
  }

  async importSecret(name: string, value: Buffer): Promise<void> {
    const record = secretRecordName(name);
    const sealed = await this.#sealer.seal(record, value.toString('base64url'));
    await this.#database.run(replaceSecret, [record, sealed]);
  }

  async report(report: InstanceReport): Promise<void> {
    await this.#database.run(upsertReport, [`instance:${report.instanceId}`, JSON.stringify(report)]);
  }

  async instances(): Promise<readonly RecordedInstanceReport[]> {
    const rows = await this.#database.run(findReports, []);
    return rows.map((row) => ({ ...decodeReport(row.metadata), recordedAtMs: row.updated_at.getTime() }));
  }

  async reencrypt(): Promise<Reencryption> {
    const rows = await this.#database.run(findEncrypted, []);
    const problems: KeyProblem[] = [];
    let reencrypted = 0;
    let current = 0;
    for (const { name, encrypted } of rows) {
      const outcome = await this.#reencryptRecord(name, encrypted ?? '', problems);
      if (outcome === 'reencrypted') reencrypted += 1;
      if (outcome === 'current') current += 1;
    }
    return { reencrypted, current, problems };
  }

  async #reencryptRecord(name: string, encrypted: string, problems: KeyProblem[]) {
    try {
      if (this.#sealer.isCurrent(encrypted)) return 'current';
      const sealed = await this.#sealer.seal(name, await this.#sealer.open(name, encrypted));
      const rows = await this.#database.run(replaceEncrypted, [name, encrypted, sealed]);
      return rows.length > 0 ? 'reencrypted' : 'gone';
    } catch (error) {
      problems.push(problemOf(name, error));
      return 'failed';
    }
  }

  async #openPrivateKeys(keys: readonly SigningKey[], rows: readonly RecordRow[], problems: KeyProblem[]) {
    const encrypted = new Map(rows.map((row) => [row.name, row.encrypted]));
    const privateKeys = new Map<string, JWK>();
    for (const key of keys.filter(({ revokedAtMs }) => revokedAtMs === null)) {
      const name = recordName(key.kid);
      try {
        const text = await this.#sealer.open(name, encrypted.get(name) ?? '');
        privateKeys.set(key.kid, decodePrivateJwk(JSON.parse(text), key));
      } catch (error) {
        problems.push({ ...problemOf(name, error), kid: key.kid });
      }
    }
    return privateKeys;
  }

  async #secretsLike(pattern: string): Promise<Map<string, Buffer>> {
    const rows = await this.#database.run(findSecrets, [pattern]);
    const secrets = new Map<string, Buffer>();
    for (const { name, encrypted } of rows) {
      const text = await this.#openSecret(name, encrypted ?? '');
      secrets.set(name.slice('secret:'.length), Buffer.from(text, 'base64url'));
    }
    return secrets;
  }

  async #openSecret(name: string, encrypted: string): Promise<string> {
    try {
      return await this.#sealer.open(name, encrypted);
    } catch (error) {
      const { source, message } = problemOf(name, error);
      throw new Error(`${source} ${message}`);
    }
  }
}

function recordName(kid: string): string {
  return `key:${kid}`;
}

function secretRecordName(name: string): string {
  return `secret:${name}`;
}

function decodeHead(head: RecordRow, problems: KeyProblem[]) {
  try {
    const { keys, movedTo } = asRecord(head.metadata);
    if (!Array.isArray(keys)) throw new Error('has no keys');
    return { keys: keys.map(decodeKey), movedTo: typeof movedTo === 'string' ? movedTo : null };
  } catch (error) {
    problems.push(problemOf(head.name, error));
    return { keys: [], movedTo: null };
  }
}

function problemOf(name: string, error: unknown): KeyProblem {
  const message = error instanceof Error ? error.message : 'cannot be read';
  return { source: `the record ${name} of table key_records`, message };
}
