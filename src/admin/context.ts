/** What the admin operations work with. */
import type { AuditLog, AuditTrail } from '../audit.js';
import type { Blocklist } from '../blocklist/blocklist.js';
import type { ClientAdministration } from '../clients/client-administration.js';
import type { Clock } from '../clock.js';
import type { KeySettings } from '../keys/key-settings.js';
import type { EncryptedKeyStore, KeyStore } from '../keys/key-store.js';
import type { RandomBytes } from '../secrets.js';
import type { SessionAdministration } from '../sessions/session-administration.js';
import type { PasswordHasher } from '../users/password-hasher.js';
import type { UserAdministration } from '../users/user-administration.js';

export interface AdminContext {
  users: UserAdministration;
  clients: ClientAdministration;
  /** Told after a change to a client, so that this process sees it at once. */
  clientsChanged(): void;
  sessions: SessionAdministration;
  keys: KeyAdministration;
  audit: AuditLog & AuditTrail;
  blocklist: Blocklist;
  passwords: PasswordHasher;
  status(): Promise<StorageStatus>;
  clock: Clock;
  randomBytes: RandomBytes;
}

export interface KeyAdministration {
  store: KeyStore;
  settings: KeySettings;
  homes: { files(): KeyStore; database(): EncryptedKeyStore | undefined };
  /** Told after a change to the keys, so that this process takes it up at once. */
  changed(): Promise<void>;
}

/** How the storage is, for whoever looks for a fault. */
export interface StorageStatus {
  database: {
    kind: 'server' | 'embedded';
    version: string;
    pendingMigrations: string[];
    /** The database's clock minus this process's. */
    clockDifferenceMilliseconds: number;
  };
  redis: 'absent' | 'reachable' | 'unreachable';
}
