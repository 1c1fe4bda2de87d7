/** A directory that only its owner may read: atomic writes, and refusal of loose permissions. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { closeDirectory, PrivateFileError, requireOwn, requirePrivate } from './ownership.js';

export class PrivateDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  filePath(name: string): string {
    return join(this.path, name);
  }

  /** Creates the directory, or checks that it is closed to others. */
  async ensure(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    requirePrivate(this.path, await stat(this.path), '700');
  }

  /** Closes the directory to others: for one that holds no secret yet, as in a fresh clone. */
  tighten(): Promise<void> {
    return closeDirectory(this.path);
  }

  /** The names of its files; none when it does not exist. */
  async list(): Promise<string[]> {
    try {
      return await readdir(this.path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      if (hasCode(error, 'EACCES')) requireOwn(this.path, await stat(this.path));
      throw error;
    }
  }

  /**
   * @returns the text and when it was written, or `undefined` when there is no such file
   * @throws PermissionsError when it belongs to another user, or others may read it
   */
  async read(name: string): Promise<{ text: string; modifiedAtMs: number } | undefined> {
    const path = this.filePath(name);
    try {
      const file = await open(path, 'r');
      try {
        const found = await file.stat();
        requirePrivate(path, found, '600');
        return { text: await file.readFile('utf8'), modifiedAtMs: found.mtimeMs };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Creates a file that must not exist: complete and on disk before it has its name. */
  async create(name: string, text: string): Promise<'created' | 'exists'> {
    const temporary = await this.#writeTemporary(text);
    try {
      await link(temporary, this.filePath(name));
      return 'created';
    } catch (error) {
      if (hasCode(error, 'EPERM') || hasCode(error, 'ENOTSUP'))
        throw new PrivateFileError(
          `${this.path} must be on a file system with hard links: writers are told apart by them`,
        );
      if (!hasCode(error, 'EEXIST')) throw error;
      // NFS repeats a request whose answer was lost: then the existing file is ours
      return (await stat(temporary)).nlink > 1 ? 'created' : 'exists';
    } finally {
      // Somebody else may have cleaned up after a writer that was held up for long.
      await rm(temporary, { force: true });
      await this.#sync();
    }
  }

  /** Writes a file, new or not: readers see the old text or the new one. */
  async replace(name: string, text: string): Promise<void> {
    await rename(await this.#writeTemporary(text), this.filePath(name));
    await this.#sync();
  }

  async remove(name: string): Promise<void> {
    await rm(this.filePath(name), { force: true });
  }

  /** Removes those of the files that were last written before an instant: what a killed process left behind. */
  async removeOlder(names: readonly string[], beforeMs: number): Promise<void> {
    for (const name of names) {
      const found = await stat(this.filePath(name)).catch(() => undefined);
      if (found && found.mtimeMs < beforeMs) await this.remove(name);
    }
  }

  async #writeTemporary(text: string): Promise<string> {
    const path = this.filePath(`.${randomUUID()}.tmp`);
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    return path;
  }

  /** Makes names durable, too. */
  async #sync(): Promise<void> {
    const directory = await open(this.path, 'r');
    try {
      await directory.sync();
    } catch (error) {
      if (!hasCode(error, 'EPERM') && !hasCode(error, 'EINVAL')) throw error;
    } finally {
      await directory.close();
    }
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
