/** How admin operations decline. */
import type { JsonObject } from '../oauth/claims.js';
import { OAuthError } from '../oauth/errors.js';

/** Declined for a reason that takes more than a sentence: the answer carries `result` too. */
export class Refusal extends OAuthError {
  readonly result: JsonObject;

  constructor(description: string, result: JsonObject) {
    super('conflict', { description });
    this.result = result;
  }
}

export function unknown(what: string): OAuthError {
  return new OAuthError('not_found', { description: `There is no such ${what}` });
}

export function invalid(description: string): OAuthError {
  return new OAuthError('invalid_request', { description });
}

export function taken(description: string): OAuthError {
  return new OAuthError('conflict', { description });
}
