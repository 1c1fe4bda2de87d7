const DEFAULT_MAX_AGE_SECONDS = 300;
const MIN_MAX_AGE_SECONDS = 10;
const MAX_MAX_AGE_SECONDS = 86_400;

/** For how many seconds an answer may be used (RFC 9111 §4.2), within limits that neither hammer the server nor forget it. */
export function freshnessSeconds(headers: Headers): number {
  const directives = headers.get('cache-control')?.toLowerCase() ?? '';
  if (/\bno-(store|cache)\b/.test(directives)) return MIN_MAX_AGE_SECONDS;
  const maxAge = /(?:^|[\s,])max-age="?(\d+)/.exec(directives)?.[1];
  const seconds = maxAge === undefined ? DEFAULT_MAX_AGE_SECONDS : Number(maxAge) - ageSeconds(headers);
  return Math.min(Math.max(seconds, MIN_MAX_AGE_SECONDS), MAX_MAX_AGE_SECONDS);
}

/** What a cache on the way has used up already (RFC 9111 §5.1). */
function ageSeconds(headers: Headers): number {
  const age = headers.get('age') ?? '0';
  return /^\d+$/.test(age) ? Number(age) : 0;
}
