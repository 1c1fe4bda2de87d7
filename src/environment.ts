/** Where settings come from: the environment, a `.env` file in the working directory, and files that hold secrets. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError, settings } from './config.js';
import type { Environment } from './settings.js';

/**
 * The environment, completed: what it lacks comes from `.env`, and a secret setting NAME may be in the file that NAME_FILE
 * names (Docker and Kubernetes mount secrets so). Throws {@link ConfigError}, never with a value.
 */
export function readEnvironment(processEnvironment: Environment, directory = '.'): Environment {
  const environment = { ...dotEnv(directory), ...processEnvironment };
  const problems: string[] = [];
  const secrets = Object.values(settings).filter((setting) => setting.secret);
  for (const { name } of secrets) {
    const path = environment[`${name}_FILE`];
    if (!path) continue;
    if (environment[name]) problems.push(`${name} and ${name}_FILE must not both be set`);
    else environment[name] = readSecret(name, path, problems);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return environment;
}

function dotEnv(directory: string): Environment {
  const text = readIfThere(join(directory, '.env'));
  return text === undefined ? {} : parseEnv(text);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new ConfigError([`.env cannot be read (${code})`]);
  }
}

function readSecret(name: string, path: string, problems: string[]): string | undefined {
  try {
    const value = readFileSync(path, 'utf8').trim();
    // As an empty setting it would count as absent: another database than the one that was meant.
    if (value === '') problems.push(`${name}_FILE names an empty file`);
    return value;
  } catch (error) {
    problems.push(`${name}_FILE names a file that cannot be read (${codeOf(error)})`);
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
