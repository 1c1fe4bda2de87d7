/** Whose a directory or file is: what belongs to somebody else is never used, and never changed. */
import type { Stats } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';

/** A file or the directory is not safe to use, or is damaged. Names it, never what it contains. */
export class PrivateFileError extends Error {
  override readonly name: string = 'PrivateFileError';
}

/** The wrong people own it, or may read it. The message says how to put that right; what it contains is as it was. */
export class PermissionsError extends PrivateFileError {
  override readonly name = 'PermissionsError';
}

const OTHERS = 0o077;
/** `/tmp` and its like: made to be shared. */
const STICKY = 0o1000;

/** Windows has neither owners nor modes in this sense. */
const me = process.getuid?.();

/**
 * Creates a directory, or closes it to others: for one that holds no secret yet, as in a fresh clone.
 * @throws PermissionsError when it belongs to another user, or is made to be shared
 */
export async function closeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await stat(path);
  requireOwn(path, found);
  if (me !== undefined && (found.mode & STICKY) !== 0)
    throw new PermissionsError(
      `${path} is a directory that everybody shares: choose another, or one within it`,
    );
  if ((found.mode & 0o777) !== 0o700) await chmod(path, 0o700);
}

/** @throws PermissionsError when it belongs to another user, or others may read it */
export function requirePrivate(path: string, found: Pick<Stats, 'uid' | 'mode'>, mode: '600' | '700'): void {
  requireOwn(path, found);
  if (me !== undefined && (found.mode & OTHERS) !== 0)
    throw new PermissionsError(
      `${path} is open to others (mode ${octal(found.mode)}): run \`chmod ${mode} ${path}\``,
    );
}

/** @throws PermissionsError when it belongs to another user: root could read it, and would leave files that its owner cannot */
export function requireOwn(path: string, { uid }: Pick<Stats, 'uid'>): void {
  if (me === undefined || uid === me) return;
  throw new PermissionsError(
    `${path} belongs to another user (uid ${uid}, and keyturn runs as ${me}): run keyturn as that user, or choose another directory`,
  );
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
