// For browsers without Web Locks: a lease in IndexedDB, whose transactions are the only other thing that tabs share atomically.
import { sleep } from './timing.js';

// Longer than a request may take; a tab that was closed while holding the lease delays the others by no more than this.
const LEASE_MS = 10_000;
const POLL_MS = 30;
const STORE = 'leases';

interface Lease {
  holder: string;
  until: number;
}

/** Runs the task while no other tab does, or after a time limit, or at once where there is no IndexedDB either. */
export async function withLease<T>(name: string, task: () => Promise<T>): Promise<T> {
  const database = await openDatabase().catch(() => undefined);
  if (!database) return task();
  const holder = String(Math.random());
  const giveUpAt = performance.now() + LEASE_MS;
  try {
    while (!(await take(database, name, holder)) && performance.now() < giveUpAt) await sleep(POLL_MS);
    return await task();
  } finally {
    await release(database, name, holder).catch(() => {});
    database.close();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('keyturn', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns whether it is ours; a storage that fails gives no lease, and no reason to wait */
async function take(database: IDBDatabase, name: string, holder: string): Promise<boolean> {
  let taken = true;
  await change(database, name, (lease, store) => {
    const now = Date.now();
    // One from beyond a lease's length was taken before the clock was set back.
    taken = !lease || lease.until < now || lease.until > now + LEASE_MS;
    if (taken) store.put({ holder, until: now + LEASE_MS } satisfies Lease, name);
  }).catch(() => {});
  return taken;
}

function release(database: IDBDatabase, name: string, holder: string): Promise<void> {
  return change(database, name, (lease, store) => {
    if (lease?.holder === holder) store.delete(name);
  });
}

/** Reads and writes in one transaction. */
function change(
  database: IDBDatabase,
  name: string,
  decide: (lease: Lease | undefined, store: IDBObjectStore) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, 'readwrite');
    const store = transaction.objectStore(STORE);
    const read: IDBRequest<Lease | undefined> = store.get(name);
    read.onsuccess = () => decide(read.result, store);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
