/** Canonical forms, so that one person cannot be two users and no identifier hides a character. */

const emailForm = /^[^\s@"<>()[\]\\,;:]{1,64}@[^\s@"<>()[\]\\,;:]{1,189}$/u;
const usernameForm = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{0,63}$/u;
/** Control, format (zero width, bidirectional), private, unassigned, and line separators. */
export const hiddenCharacters = /[\p{C}\p{Zl}\p{Zp}]/u;

/** NFKC and lower case. Normalised again, since lower case can compose anew. */
function canonical(value: string): string {
  return value.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

/** The canonical e-mail address, or undefined when it is none. */
export function canonicalEmail(value: string): string | undefined {
  const email = canonical(value);
  return emailForm.test(email) && !hiddenCharacters.test(email) ? email : undefined;
}

/** The canonical username, or undefined: letters, digits, `._-`, at most 64, and never an `@`, so that it is no e-mail. */
export function canonicalUsername(value: string): string | undefined {
  const username = canonical(value);
  return usernameForm.test(username) && !hiddenCharacters.test(username) ? username : undefined;
}

/** What people type at login: an e-mail or a username. */
export function canonicalLogin(value: string): string | undefined {
  return value.includes('@') ? canonicalEmail(value) : canonicalUsername(value);
}
