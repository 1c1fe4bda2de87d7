/** Where the PostgreSQL and Redis programs of this machine are, and as whom they can run. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const debianPostgres = '/usr/lib/postgresql';

/** Distributions keep PostgreSQL's programs outside PATH, one directory per version: the newest comes first. */
function postgresDirectories(): string[] {
  try {
    const versions = readdirSync(debianPostgres).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(debianPostgres, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The program's path, or undefined when this machine lacks it. */
export function findBinary(name: string): string | undefined {
  const directories = [...postgresDirectories(), ...(process.env.PATH ?? '').split(delimiter)];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

export interface Account {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root: somebody harmless does it then. Undefined: run as whoever we are. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const account = accountOf('postgres') ?? accountOf('nobody');
  if (!account) throw new Error('running as root, and there is no account "postgres" or "nobody"');
  return account;
}

function accountOf(name: string): Account | undefined {
  try {
    const id = (option: string) => Number(execFileSync('id', [option, name], { stdio: 'pipe' }).toString());
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}
