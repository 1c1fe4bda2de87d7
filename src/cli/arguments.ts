/** Reads a command's arguments and options. */
import { parseArgs } from 'node:util';
import { type Command, type ParsedOptions, UsageError } from './command.js';

export interface ParsedArguments {
  arguments: string[];
  options: ParsedOptions;
}

const secretName = /password|secret|token|key$/i;

/** Throws {@link UsageError}. */
export function parseArguments(command: Command, argv: readonly string[]): ParsedArguments {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(command.options).map(([name, option]) => [
        name,
        { type: option.value === undefined ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
    // Its own messages repeat what was typed.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals: string[] = [];
  const options = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'option')
      options.set(token.name, [...(options.get(token.name) ?? []), optionValue(command, token)]);
  }
  check(command, positionals, options);
  return { arguments: positionals, options };
}

interface OptionToken {
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

function optionValue(command: Command, { name, rawName, value, inlineValue }: OptionToken): string {
  const option = Object.hasOwn(command.options, name) ? command.options[name] : undefined;
  if (!option) throw new UsageError(`unknown option ${rawName}${secretName.test(name) ? secretsHint : ''}`);
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`);
    return '';
  }
  const swallowed = !inlineValue && value !== undefined && value.length > 1 && value.startsWith('-');
  if (value === undefined || swallowed) throw new UsageError(`--${name} needs a value`);
  return value;
}

const secretsHint = ' (secrets are read from stdin or a file, never from arguments)';

function check(command: Command, positionals: readonly string[], options: ParsedOptions): void {
  const missing = command.arguments.slice(positionals.length);
  if (missing.length > 0) throw new UsageError(`missing ${missing.join(' ')}`);
  if (positionals.length > command.arguments.length) throw new UsageError('too many arguments');
  for (const [name, option] of Object.entries(command.options)) {
    const times = options.get(name)?.length ?? 0;
    if (option.required && times === 0) throw new UsageError(`missing --${name}`);
    if (!option.many && times > 1) throw new UsageError(`--${name} is given more than once`);
  }
}
