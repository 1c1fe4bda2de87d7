// What can go wrong in the background, and whether it can heal by itself.

/** What a wrong setting concerns: the issuer, the feed's client, the feed's address or the algorithms. */
export type SetupProblem = 'issuer' | 'client' | 'feed' | 'algorithms';

/** A setting is wrong, here or at the server: trying again does not help until somebody changes it. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  constructor(
    readonly problem: SetupProblem,
    message: string,
  ) {
    super(message);
  }
}

/** The key set could not be fetched, or the feed not be followed. `cause` says why. */
export class BackgroundError extends Error {
  override readonly name = 'BackgroundError';
  constructor(
    readonly kind: 'keys' | 'revocations',
    /** False for the first failure after all was well: a stream is cut at every deployment of the server. */
    readonly isRepeated: boolean,
    cause: unknown,
  ) {
    const what = kind === 'keys' ? 'The key set cannot be fetched' : 'The revocation feed cannot be followed';
    super(what, { cause });
  }
}

/** The innermost reason that says something: `fetch failed` alone does not. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? reasonOf(error.cause) : '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return inner || error.message || code || error.name;
}
