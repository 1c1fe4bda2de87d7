import { OAuthError } from './errors.js';

/** What a person at a terminal is told of an error: what went wrong, and what lies behind it. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (!(error instanceof OAuthError)) return error.message;
  const cause = error.cause instanceof Error && error.cause.message ? `: ${error.cause.message}` : '';
  const unavailable = error.code === 'temporarily_unavailable';
  return `${unavailable ? error.message : (error.description ?? error.message)}${cause}`;
}
