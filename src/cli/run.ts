/** Finds the command, runs it, prints, and answers the exit code: 0 done, 1 failed or refused, 2 wrong usage. */
import { Refusal } from '../admin/refusals.js';
import { readEnvironment } from '../environment.js';
import type { JsonObject } from '../oauth/claims.js';
import { errorMessage } from '../oauth/error-message.js';
import { OAuthError } from '../oauth/errors.js';
import type { Environment } from '../settings.js';
import { version } from '../version.js';
import { parseArguments } from './arguments.js';
import { type Command, type Option, type Outcome, type Streams, UsageError } from './command.js';
import { commands } from './commands.js';
import { commandUsage, overview } from './usage.js';

const commonOptions: Record<string, Option> = {
  json: { about: 'Print the result as one JSON value' },
  help: { about: 'Show this' },
};

/** Undefined: the command goes on running, and the process with it. */
export async function run(
  argv: readonly string[],
  processEnvironment: Environment,
  streams: Streams,
): Promise<number | undefined> {
  const found = findCommand(argv);
  if (!found) return withoutCommand(argv, streams);
  const command = { ...found, options: { ...found.options, ...commonOptions } };
  const rest = argumentsAfter(command, argv);
  const json = rest.includes('--json');
  if (asksForHelp(rest)) {
    streams.stdout.write(commandUsage(command));
    return 0;
  }
  try {
    const parsed = parseArguments(command, rest);
    const environment = () => readEnvironment(processEnvironment);
    return report(await command.run({ ...parsed, environment, streams }), json, streams);
  } catch (error) {
    return reportError(error, command, json, streams);
  }
}

/** A flag in a command's name may stand anywhere, and tells it from the command without: `keys revoke --all`. */
function findCommand(argv: readonly string[]): Command | undefined {
  const found = commands.filter((command) => {
    const { words, flags } = partsOf(command);
    return words.every((word, index) => argv[index] === word) && flags.every((flag) => argv.includes(flag));
  });
  return found.find((command) => partsOf(command).flags.length > 0) ?? found[0];
}

function argumentsAfter(command: Command, argv: readonly string[]): string[] {
  const { words, flags } = partsOf(command);
  return argv.slice(words.length).filter((argument) => !flags.includes(argument));
}

function partsOf({ name }: Command): { words: string[]; flags: string[] } {
  const parts = name.split(' ');
  const isFlag = (part: string) => part.startsWith('--');
  return { words: parts.filter((part) => !isFlag(part)), flags: parts.filter(isFlag) };
}

function asksForHelp(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h');
}

function withoutCommand(argv: readonly string[], { stdout, stderr }: Streams): number {
  const [group] = argv;
  if (group === '--version') {
    stdout.write(`${version}\n`);
    return 0;
  }
  const known = commands.some(({ name }) => name.startsWith(`${group} `)) ? group : undefined;
  if (asksForHelp(argv) || group === 'help') {
    stdout.write(overview(commands, known));
    return 0;
  }
  const problem = argv.length === 0 || (known && argv.length === 1) ? 'missing command' : 'unknown command';
  stderr.write(`keyturn: ${problem}\n\n${overview(commands, known)}`);
  if (argv.includes('--json')) printJson(stdout, { error: 'usage', error_description: problem });
  return 2;
}

function report(outcome: Outcome, json: boolean, { stdout }: Streams): number | undefined {
  if (outcome.keepsRunning) return undefined;
  if (json) printJson(stdout, outcome.result);
  else stdout.write(`${outcome.text}\n`);
  return outcome.failed ? 1 : 0;
}

function reportError(error: unknown, command: Command, json: boolean, { stdout, stderr }: Streams): number {
  const usage = error instanceof UsageError;
  const message = errorMessage(error);
  stderr.write(`keyturn: ${message}\n${usage ? `\n${commandUsage(command)}` : ''}`);
  if (json) printJson(stdout, errorResult(error, message));
  return usage ? 2 : 1;
}

function errorResult(error: unknown, message: string): JsonObject {
  const result = error instanceof Refusal ? error.result : {};
  const code =
    error instanceof OAuthError ? error.wireCode : error instanceof UsageError ? 'usage' : 'failed';
  return { ...result, error: code, error_description: message };
}

function printJson(stdout: NodeJS.WritableStream, value: JsonObject): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}
