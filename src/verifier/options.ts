import { isRecord, isSecureUrl } from './http.js';
import { checkRequirements, type Requirements } from './requirements.js';
import { warnOncePerKind } from './warnings.js';

/** How the verifier hears of revocations. There is no default: each choice has a price that its author must have seen. */
export type RevocationOptions = FollowOptions | { follow: 'off' };

export interface FollowOptions {
  /** `stream`: a revocation arrives in milliseconds. `poll`: within the server's heartbeat. */
  follow: 'stream' | 'poll';
  /** A confidential client whose scope holds `revocations:read`. */
  clientId: string;
  clientSecret: string;
  /** For how long after the last sign of life from the feed the verifier is not stale. */
  maxStalenessSeconds: number;
  /** When stale: `reject` every token with `revocations_stale` (503), or `accept` those not known to be revoked. */
  onStale: 'reject' | 'accept';
}

export interface VerifierOptions {
  /** The server's `ISSUER`, exactly. https, unless on loopback. */
  issuer: string;
  /** What this resource server is called in `aud`; one of several is enough. */
  audience: string | readonly string[];
  revocations: RevocationOptions;
  /** Refuses tokens issued longer ago, whatever their `exp`. */
  maxTokenAgeSeconds?: number;
  /** Of ES256 and RS256; both by default. */
  algorithms?: readonly SignatureAlgorithm[];
  /** For clocks that differ: 0 to 60, 5 by default. */
  clockToleranceSeconds?: number;
  /** In characters; 16,384 by default, which is what Node.js takes as request headers. */
  maxTokenLength?: number;
  /** Required of every token. */
  require?: Requirements;
  /** For a proxy or a certificate authority of one's own. The global `fetch` by default. */
  fetch?: typeof fetch;
  /**
   * Called for every failure in the background (feed, key set), which is retried; `cause` has what went wrong. By default
   * the console says once per kind of failure what is wrong and what to do.
   */
  onError?: (error: Error) => void;
  /** The time in milliseconds since the Unix epoch, for tests. */
  clock?: () => number;
}

export type SignatureAlgorithm = 'ES256' | 'RS256';

/** The options with every default in place. */
export interface VerifierSettings {
  issuer: string;
  audience: string[];
  revocations: RevocationOptions;
  maxTokenAgeSeconds: number | undefined;
  algorithms: SignatureAlgorithm[];
  clockToleranceSeconds: number;
  maxTokenLength: number;
  require: Requirements;
  fetch: typeof fetch;
  onError: (error: Error) => void;
  clock: () => number;
}

const OPTIONS: readonly string[] = [
  'issuer',
  'audience',
  'revocations',
  'maxTokenAgeSeconds',
  'algorithms',
  'clockToleranceSeconds',
  'maxTokenLength',
  'require',
  'fetch',
  'onError',
  'clock',
] satisfies (keyof VerifierOptions)[];
const FOLLOW_OPTIONS: readonly string[] = [
  'follow',
  'clientId',
  'clientSecret',
  'maxStalenessSeconds',
  'onStale',
] satisfies (keyof FollowOptions)[];
const SUPPORTED_ALGORITHMS: readonly string[] = ['ES256', 'RS256'] satisfies SignatureAlgorithm[];
const MAX_CLOCK_TOLERANCE_SECONDS = 60;

/** Checks the options, since they may come from JavaScript or a configuration file. Throws a TypeError. */
export function readOptions(options: VerifierOptions): VerifierSettings {
  checkMembers(options, OPTIONS, 'option');
  demand(typeof options.issuer === 'string' && isSecureUrl(options.issuer), 'issuer must be an https URL');
  const audience = [options.audience].flat();
  demand(audience.length > 0 && audience.every(isText), 'audience must be a non-empty string, or several');
  checkRevocations(options.revocations);
  const { maxTokenAgeSeconds, clockToleranceSeconds = 5, maxTokenLength = 16_384 } = options;
  demand(
    isNumber(clockToleranceSeconds, 0, MAX_CLOCK_TOLERANCE_SECONDS),
    'clockToleranceSeconds must be 0 to 60',
  );
  demand(
    maxTokenAgeSeconds === undefined || isNumber(maxTokenAgeSeconds, 1),
    'maxTokenAgeSeconds must be positive',
  );
  demand(isNumber(maxTokenLength, 1), 'maxTokenLength must be positive');
  const algorithms = [...(options.algorithms ?? (['ES256', 'RS256'] as const))];
  const supported = algorithms.every((algorithm) => SUPPORTED_ALGORITHMS.includes(algorithm));
  demand(algorithms.length > 0 && supported, 'algorithms must be of ES256 and RS256');
  checkRequirements(options.require ?? {});
  return {
    issuer: options.issuer,
    audience,
    revocations: options.revocations,
    maxTokenAgeSeconds,
    algorithms,
    clockToleranceSeconds,
    maxTokenLength,
    require: options.require ?? {},
    fetch: options.fetch ?? fetch,
    onError: options.onError ?? warnOncePerKind(),
    clock: options.clock ?? Date.now,
  };
}

function checkRevocations(revocations: RevocationOptions): void {
  const follow: unknown = revocations?.follow;
  demand(
    follow === 'stream' || follow === 'poll' || follow === 'off',
    'revocations.follow must be stream, poll or off',
  );
  checkMembers(revocations, FOLLOW_OPTIONS, 'member of revocations');
  if (revocations.follow === 'off') return;
  const { clientId, clientSecret, maxStalenessSeconds, onStale } = revocations;
  demand(isText(clientId) && isText(clientSecret), 'revocations.clientId and clientSecret are required');
  demand(isNumber(maxStalenessSeconds, 1), 'revocations.maxStalenessSeconds must be 1 or more');
  demand(onStale === 'reject' || onStale === 'accept', 'revocations.onStale must be reject or accept');
}

/** A misspelt option would silently be the default. */
function checkMembers(value: unknown, known: readonly string[], kind: string): void {
  demand(isRecord(value), 'options must be an object');
  const unknown = Object.keys(value).find((member) => !known.includes(member));
  demand(unknown === undefined, `unknown ${kind} "${unknown}"`);
}

function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new TypeError(`createVerifier: ${message}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

function isNumber(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}
