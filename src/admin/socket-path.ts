import { connect } from 'node:net';
import { join } from 'node:path';

/** Where a server that has the embedded database open takes admin operations. */
export function adminSocketPath(dataDirectory: string): string {
  return join(dataDirectory, 'admin.sock');
}

/** Whether such a server runs; one that is starting does not listen yet. */
export function isServed(dataDirectory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(adminSocketPath(dataDirectory));
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
