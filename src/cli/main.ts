#!/usr/bin/env node
/** The `keyturn` command: the process around it. */
import { run } from './run.js';

const { argv, env, stdin, stdout, stderr } = process;

// `keyturn ... | head`: whoever stopped reading is not interested in the rest.
stdout.on('error', () => process.exit(1));
const code = await run(argv.slice(2), env, { stdin, stdout, stderr });
// What was printed leaves before the process does; nothing else is waited for.
if (code !== undefined) stdout.write('', (error) => process.exit(error ? 1 : code));
