/** `keyturn doctor`: looks for whatever keeps a server from working, and says what to do. Changes nothing. */
import { type Config, loadConfig } from '../../config.js';
import type { Command, Invocation } from '../command.js';
import { checkDirectories } from './directories.js';
import { type Finding, fail, ok, reasonOf } from './finding.js';
import { checkPort } from './port.js';
import { checkStorage } from './storage.js';

export const doctor: Command = {
  name: 'doctor',
  summary:
    'Check settings, database, Redis, keys, clocks, permissions and the port; exit code 1 if something fails',
  arguments: [],
  options: {},
  run: async (invocation) => {
    const checks = await findings(invocation);
    const failed = checks.some(({ status }) => status === 'fail');
    return { result: { ok: !failed, checks }, text: checks.map(lineOf).join('\n'), failed };
  },
};

async function findings({ environment }: Invocation): Promise<Finding[]> {
  let config: Config;
  try {
    config = loadConfig(environment());
  } catch (error) {
    return [fail('settings', reasonOf(error), 'Correct the settings: nothing else can be checked before.')];
  }
  return [
    ok('settings', `complete; the issuer is ${config.issuer}`),
    ...(await checkDirectories(config)),
    ...(await checkStorage(config)),
    await checkPort(config),
  ];
}

function lineOf({ check, status, message, advice }: Finding): string {
  const line = `${status.padEnd(5)} ${check.padEnd(11)} ${message}`;
  return advice === undefined ? line : `${line}\n${' '.repeat(18)}${advice}`;
}
