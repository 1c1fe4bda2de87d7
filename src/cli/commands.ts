/** Every command of `keyturn`. */
import { operations } from '../admin/operations.js';
import type { Command } from './command.js';
import { doctor } from './doctor/doctor.js';
import { migrate } from './migrate.js';
import { operationCommand } from './operation-command.js';
import { presentationOf } from './presentations.js';
import { serve } from './serve.js';

/** What `doctor` shows is no command of its own. */
const hidden = ['status.show'];

export const commands: readonly Command[] = [
  serve,
  migrate,
  doctor,
  ...operations
    .filter(({ name }) => !hidden.includes(name))
    .map((operation) => operationCommand(operation, presentationOf(operation.name))),
];
