/** The current time, in milliseconds since the Unix epoch. Injected, so that time is an argument. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Milliseconds to the integer seconds of a NumericDate (RFC 7519 §2), rounded down. */
export function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
