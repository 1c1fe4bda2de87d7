/** What the tests of signing keys share: a home in a temporary directory, a clock that the test turns, an admin. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyAdminContext } from '../../src/admin/keys.js';
import type { AuditEvent } from '../../src/audit.js';
import { KeyRing } from '../../src/keys/key-ring.js';
import type { KeySettings } from '../../src/keys/key-settings.js';
import type { KeySet, KeyStore } from '../../src/keys/key-store.js';
import { keyState, type SigningKey } from '../../src/keys/signing-key.js';
import { FileKeyStore } from '../../src/storage/files/key-store.js';

export const SECOND = 1000;
/** An instant in the past of the machine's clock. */
export const START_MS = Date.UTC(2026, 0, 15, 12);

export interface TestClock {
  (): number;
  nowMs: number;
}

/** A clock that stands still until the test turns it. */
export function testClock(nowMs = START_MS): TestClock {
  const clock: TestClock = Object.assign(() => clock.nowMs, { nowMs });
  return clock;
}

export const defaults: KeySettings = {
  signingAlg: 'ES256',
  accessTokenTtlSeconds: 900,
  clockToleranceSeconds: 30,
  jwksMaxAgeSeconds: 300,
  keyPublishAheadSeconds: 900,
  keyRotationIntervalSeconds: 0,
};

export interface TestLog {
  lines: string[];
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export function testLog(): TestLog {
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, debug: write, info: write, warn: write, error: write };
}

/** A directory path that does not exist yet, removed after the test. */
export async function temporaryDirectory(t: { teardown(fn: () => Promise<void>): unknown }): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'keyturn-keys-'));
  t.teardown(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'keys');
}

export function fileStore(directory: string, clock: () => number = Date.now): FileKeyStore {
  return new FileKeyStore({ directory, clock, randomBytes });
}

export interface OpenOptions {
  clock?: () => number;
  settings?: Partial<KeySettings>;
  log?: TestLog;
}

export function openRing(store: KeyStore, options: OpenOptions = {}): Promise<KeyRing> {
  const { clock = Date.now, log = testLog() } = options;
  return KeyRing.open({ store, clock, randomBytes, log, settings: { ...defaults, ...options.settings } });
}

export interface TestAdmin extends KeyAdminContext {
  announced: { type: string; value: string; reason: string; expiresAt: number }[];
  audited: AuditEvent[];
}

export function admin(store: KeyStore, options: OpenOptions = {}): TestAdmin {
  const announced: TestAdmin['announced'] = [];
  const audited: AuditEvent[] = [];
  return {
    store,
    clock: options.clock ?? Date.now,
    settings: { ...defaults, ...options.settings },
    randomBytes,
    actor: 'cli',
    announced,
    audited,
    revocations: { add: async (entry) => void announced.push(entry) },
    audit: { record: async (event) => void audited.push(event) },
  };
}

/** The keys' states, in the order of the set. */
export function states(set: KeySet, nowMs: number): string[] {
  return set.keys.map((key) => keyState(key, nowMs));
}

export function inState(keys: readonly SigningKey[], state: string, nowMs: number): SigningKey[] {
  return keys.filter((key) => keyState(key, nowMs) === state);
}

export function publishedKids(body: string): string[] {
  const { keys }: { keys: { kid: string }[] } = JSON.parse(body);
  return keys.map((key) => key.kid);
}

/** Waits until a condition holds; fails after a time that no healthy run needs. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
