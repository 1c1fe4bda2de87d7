/** What a command of `keyturn` is. */
import type { Readable, Writable } from 'node:stream';
import type { JsonObject } from '../oauth/claims.js';
import type { Environment } from '../settings.js';

export interface Option {
  /** What stands for its value in the usage; absent: a flag. */
  value?: string;
  about: string;
  /** May be given several times. */
  many?: boolean;
  required?: boolean;
}

export interface Command {
  /** As typed: `users create`. */
  name: string;
  summary: string;
  /** What stands for its arguments in the usage; all are required. */
  arguments: readonly string[];
  /** By name, without dashes. */
  options: Readonly<Record<string, Option>>;
  run(invocation: Invocation): Promise<Outcome>;
}

export interface Invocation {
  arguments: readonly string[];
  options: ParsedOptions;
  /** Throws `ConfigError`. */
  environment(): Environment;
  streams: Streams;
}

/** Every value given, in order; flags are there when given. */
export type ParsedOptions = ReadonlyMap<string, readonly string[]>;

export interface Streams {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable;
}

export interface Outcome {
  /** For `--json`. */
  result: JsonObject;
  /** For people. */
  text: string;
  /** Done, but what it says is bad news: exit code 1. */
  failed?: boolean;
  /** The process goes on: nothing is printed, nothing exits. */
  keepsRunning?: boolean;
}

/** Wrong usage: exit code 2. The message holds no value that was typed, since it could be a secret. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
