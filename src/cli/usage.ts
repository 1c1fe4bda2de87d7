/** The help texts. */
import type { Command, Option } from './command.js';

const width = 100;

export function commandUsage(command: Command): string {
  const options = Object.entries(command.options);
  const required = options
    .filter(([, option]) => option.required)
    .map(([name, option]) => flag(name, option));
  const synopsis = ['keyturn', command.name, ...command.arguments, ...required, '[options]'].join(' ');
  const lines = options.map(([name, option]): [string, string] => [
    flag(name, option),
    option.about + (option.many ? ' (may be repeated)' : ''),
  ]);
  return `Usage: ${synopsis}\n\n${command.summary}\n\nOptions:\n${columns(lines)}\n`;
}

/** All commands, or those of one group such as `users`. */
export function overview(commands: readonly Command[], group?: string): string {
  const shown = commands.filter(({ name }) => group === undefined || name.startsWith(`${group} `));
  const lines = shown.map((command): [string, string] => [
    [command.name, ...command.arguments].join(' '),
    command.summary,
  ]);
  const name = group === undefined ? 'COMMAND' : `${group} COMMAND`;
  return `Usage: keyturn ${name} [options]

Commands:
${columns(lines)}

Every command takes --help, and --json to print its result as one JSON value.
Settings are read from the environment and from .env in the working directory.
`;
}

function flag(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function columns(lines: readonly (readonly [string, string])[]): string {
  const indent = Math.max(...lines.map(([left]) => left.length)) + 4;
  return lines.map(([left, right]) => `  ${left.padEnd(indent - 2)}${wrapped(right, indent)}`).join('\n');
}

function wrapped(text: string, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length >= width - indent && last !== '') lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
