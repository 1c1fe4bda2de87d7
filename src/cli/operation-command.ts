/** A command made of an admin operation: its members become arguments and options, its schema says of what type. */
import { checkedInput } from '../admin/input.js';
import type { Operation } from '../admin/operation.js';
import { loadConfig } from '../config.js';
import type { JsonObject } from '../oauth/claims.js';
import { OAuthError } from '../oauth/errors.js';
import { type Command, type Invocation, type Option, UsageError } from './command.js';
import { passwordOptions, readPassword } from './secret-input.js';

export interface Presentation {
  /** The result for people. */
  text(result: JsonObject): string;
  /** Whether the result is bad news: exit code 1. */
  failed?(result: JsonObject): boolean;
}

/** Where an option is not named like its member. */
const optionNames: Record<string, string> = {
  roles: 'role',
  permissions: 'permission',
  org_id: 'org',
  grants: 'grant',
  audiences: 'audience',
  origins: 'origin',
  client_id: 'id',
};

const secretMember = 'password';

/** What of a member's JSON Schema decides how it is typed. */
interface MemberSchema {
  type?: string;
  enum?: readonly string[];
  anyOf?: readonly MemberSchema[];
  items?: MemberSchema;
  description?: string;
}

export function operationCommand(operation: Operation, { text, failed }: Presentation): Command {
  const inPath = [...operation.path.matchAll(/:(\w+)/g)].map(([, member = '']) => member);
  const members = Object.entries<MemberSchema>(operation.input.properties);
  const asOptions = members.filter(([member]) => !inPath.includes(member) && member !== secretMember);
  const isRequired = (member: string) => operation.input.required?.includes(member) ?? false;
  return {
    name: operation.command ?? operation.name.replace('.', ' '),
    summary: operation.summary,
    arguments: inPath.map((member) => member.toUpperCase()),
    options: {
      ...Object.fromEntries(
        asOptions.map(([member, schema]) => [
          optionName(member),
          toOption(member, schema, isRequired(member)),
        ]),
      ),
      ...(secretMember in operation.input.properties && passwordOptions),
    },
    run: async (invocation) => {
      const input = await inputOf(operation, inPath, asOptions, invocation);
      const result = await run(operation, input, invocation).catch((error: unknown) => {
        throw isInvalid(error)
          ? new OAuthError('invalid_request', { description: asTyped(error.message, inPath) })
          : error;
      });
      return { result, text: text(result), failed: failed?.(result) ?? false };
    },
  };
}

async function run(
  operation: Operation,
  input: JsonObject,
  { environment }: Invocation,
): Promise<JsonObject> {
  const { openTransport } = await import('./open-transport.js');
  const transport = await openTransport(loadConfig(environment()));
  try {
    return await transport.run(operation, input);
  } finally {
    await transport.close();
  }
}

function optionName(member: string): string {
  return optionNames[member] ?? member.replaceAll('_', '-');
}

function toOption(member: string, schema: MemberSchema, required: boolean): Option {
  return {
    about: aboutOption(schema),
    ...(schema.type !== 'boolean' && { value: placeholder(member, schema) }),
    ...(schema.type === 'array' && { many: true }),
    ...(required && { required }),
  };
}

/** As many choices as stand in the place of a value; more are named in the text. */
const mostInPlace = 3;

function choicesOf(schema: MemberSchema): readonly string[] {
  return schema.enum ?? schema.items?.enum ?? [];
}

function placeholder(member: string, schema: MemberSchema): string {
  const choices = choicesOf(schema);
  if (schema.type === 'object') return 'JSON';
  if (choices.length === 0 || choices.length > mostInPlace) return optionName(member).toUpperCase();
  return choices.join('|');
}

function aboutOption(schema: MemberSchema): string {
  const { description = '' } = schema;
  const choices = choicesOf(schema);
  return choices.length > mostInPlace ? `${description}: ${choices.join(', ')}` : description;
}

async function inputOf(
  { input: schema }: Operation,
  inPath: readonly string[],
  asOptions: readonly [string, MemberSchema][],
  { arguments: positionals, options, streams }: Invocation,
): Promise<JsonObject> {
  const input: JsonObject = Object.fromEntries(inPath.map((member, index) => [member, positionals[index]]));
  for (const [member, memberSchema] of asOptions) {
    const values = options.get(optionName(member));
    if (values) input[member] = toValue(optionName(member), memberSchema, values);
  }
  if (secretMember in schema.properties) {
    // First whatever can be wrong without asking for a secret.
    checkUsage(schema, inPath, { ...input, [secretMember]: '' });
    input[secretMember] = await readPassword(options, streams);
  }
  checkUsage(schema, inPath, input);
  return input;
}

function checkUsage(schema: Operation['input'], inPath: readonly string[], input: JsonObject): void {
  try {
    checkedInput(schema, input);
  } catch (error) {
    throw isInvalid(error) ? new UsageError(asTyped(error.message, inPath)) : error;
  }
}

function isInvalid(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.code === 'invalid_request';
}

/** A complaint about a member, as one about the argument or option that it was typed as. */
function asTyped(complaint: string, inPath: readonly string[]): string {
  const [start, member = secretMember] = /^([a-z_]+)(?:\/\d+)?(?=: )/.exec(complaint) ?? [''];
  if (member === secretMember) return complaint;
  const typed = inPath.includes(member) ? member.toUpperCase() : `--${optionName(member)}`;
  return typed + complaint.slice(start.length);
}

/** An empty value takes away what is there: an empty list, or `null` where that is allowed. */
function toValue(name: string, schema: MemberSchema, values: readonly string[]): unknown {
  const [value = ''] = values;
  const nullable = schema.anyOf?.some((option) => option.type === 'null') ?? false;
  if (schema.type === 'array') return values.filter((item) => item !== '');
  if (schema.type === 'boolean') return true;
  if (schema.type === 'integer') return toInteger(name, value);
  if (schema.type === 'object') return toJson(name, value);
  return nullable && value === '' ? null : value;
}

function toInteger(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} needs a number`);
  return Number(value);
}

function toJson(name: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new UsageError(`--${name} needs JSON`);
  }
}
