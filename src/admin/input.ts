/** Checks what comes in against an operation's schema. */
import type { Static, TObject } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { invalid } from './refusals.js';

/** The input, known to fit. Throws `invalid_request` that names the member, and never a value. */
export function checkedInput<I extends TObject>(schema: I, input: unknown): Static<I> {
  if (!Check(schema, input)) throw invalid(problemOf(schema, input));
  if (isDeeperThan(deepestNesting, input)) throw invalid(`Nested deeper than ${deepestNesting} levels`);
  if (hasUnstorableText(input)) throw invalid('Text cannot hold NUL characters or lone surrogates');
  return input;
}

function problemOf(schema: TObject, input: unknown): string {
  const strangers = Object.keys(input ?? {}).filter((name) => !(name in schema.properties));
  if (strangers.length > 0) return `Unknown member: ${strangers[0]}`;
  const [error] = Errors(schema, input);
  if (error?.keyword === 'required') return `Missing: ${error.params.requiredProperties.join(', ')}`;
  const member = error?.instancePath.slice(1) || 'The input';
  if (error?.keyword === 'enum') return `${member}: must be one of ${error.params.allowedValues.join(', ')}`;
  if (error?.keyword === 'pattern') return `${member}: has a form that is not allowed`;
  return `${member}: ${error?.message ?? 'does not fit'}`;
}

/** Verifiers in other languages give up on deep JSON, and whatever walks through it by recursion crashes. */
const deepestNesting = 32;

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(levels - 1, member));
}

/** NUL, and halves of surrogate pairs: PostgreSQL's text holds neither. */
const unstorable = /[\0\p{Cs}]/u;

function hasUnstorableText(value: unknown): boolean {
  if (typeof value === 'string') return unstorable.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some((pair) => pair.some(hasUnstorableText));
}
