/**
 * Protocol text is ASCII. JavaScript's own string functions are for Unicode: `trim` strips U+00A0, which HTTP counts as an
 * ordinary byte of a value, so that two values that differ for a browser would be the same here.
 */

const caseBit = 0x20;

/** A to Z only (RFC 9110 §5.1: names are compared without regard to case). */
export function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) | caseBit));
}

/** Without the spaces and tabs around it: RFC 9110 §5.6.3. */
export function withoutOptionalWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpaceOrTab(text, start)) start += 1;
  while (end > start && isSpaceOrTab(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isSpaceOrTab(text: string, index: number): boolean {
  return text[index] === ' ' || text[index] === '\t';
}
