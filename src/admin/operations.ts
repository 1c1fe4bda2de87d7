/** All that an admin can do: the one table behind HTTP and the command line. */
import { auditOperations } from './audit.js';
import { clientOperations } from './clients.js';
import { keyOperations } from './key-operations.js';
import type { Operation } from './operation.js';
import { sessionOperations } from './sessions.js';
import { statusOperations } from './status.js';
import { userOperations } from './users.js';

export const operations: readonly Operation[] = [
  ...userOperations,
  ...clientOperations,
  ...keyOperations,
  ...sessionOperations,
  ...auditOperations,
  ...statusOperations,
];

/** The operation of this name, which must exist. */
export function operationNamed(name: string): Operation {
  const found = operations.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`there is no operation ${name}`);
  return found;
}
