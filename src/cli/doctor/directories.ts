import { stat } from 'node:fs/promises';
import type { Config } from '../../config.js';
import { type Finding, fail, ok } from './finding.js';

/** The directories that hold secrets: for their owner alone. */
export async function checkDirectories(config: Config): Promise<Finding[]> {
  const directories: [setting: string, path: string, used: boolean][] = [
    ['DATA_DIR', config.dataDirectory, !config.databaseUrl],
    ['KEYS_DIR', config.keysDirectory, config.keyStore === 'files'],
  ];
  const used = directories.filter(([, , isUsed]) => isUsed);
  return Promise.all(used.map(([setting, path]) => checkDirectory(setting, path)));
}

async function checkDirectory(setting: string, path: string): Promise<Finding> {
  try {
    const { mode, uid } = await stat(path);
    const permissions = (mode & 0o777).toString(8).padStart(4, '0');
    if (process.getuid && uid !== process.getuid()) {
      return fail(setting, `${path} belongs to another user (${uid})`, 'Run this as the user of the server.');
    }
    if ((mode & 0o077) !== 0) {
      return fail(setting, `${path} is open to others (${permissions})`, `chmod 700 ${path}`);
    }
    return ok(setting, `${path} (${permissions})`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return ok(setting, `${path} will be made at the first start`);
    return fail(setting, `${path} cannot be read (${code})`, 'Check the path and who may enter it.');
  }
}
