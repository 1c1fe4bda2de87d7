/** Composes what the admin operations work with: for the server, and for the command line in a process of its own. */
import type { AdminContext } from './admin/context.js';
import type { Blocklist } from './blocklist/blocklist.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { RandomBytes } from './secrets.js';
import type { Storage } from './storage/open.js';
import { PasswordHasher } from './users/password-hasher.js';

export interface AdminParts {
  config: Config;
  storage: Storage;
  blocklist: Blocklist;
  passwords: PasswordHasher;
  clock: Clock;
  randomBytes: RandomBytes;
  /** What this process keeps in memory, and must read again after a change. */
  clientsChanged(): void;
  keysChanged(): Promise<void>;
}

export function composeAdmin(parts: AdminParts): AdminContext {
  const { config, storage, blocklist, passwords, clock, randomBytes, clientsChanged, keysChanged } = parts;
  const { users, clients, sessions, keyHomes } = storage.administration;
  return {
    users,
    clients,
    sessions,
    audit: storage.audit,
    blocklist,
    passwords,
    clock,
    randomBytes,
    keys: { store: storage.keys, settings: config, homes: keyHomes, changed: keysChanged },
    status: () => storage.status(),
    clientsChanged,
  };
}

export function passwordHasher(config: Config): PasswordHasher {
  return new PasswordHasher({
    memoryKib: config.argon2MemoryKib,
    timeCost: config.argon2TimeCost,
    parallelism: config.argon2Parallelism,
    concurrency: config.passwordHashConcurrency,
    queueLength: config.passwordHashQueue,
  });
}
