import { join } from 'node:path';

/** Where a server that has the embedded database open takes admin operations. */
export function adminSocketPath(dataDirectory: string): string {
  return join(dataDirectory, 'admin.sock');
}
