/** Which file in KEYS_DIR is what. */

const KEY_SET = /^key-set\.(\d{6,15})\.json$/;
const PRIVATE_KEY = /^([A-Za-z0-9_-]{1,128})\.json$/;
const SECRET = /^([a-z-]{1,64})\.secret$/;

/** The description of all keys at a revision. */
export function keySetFile(revision: number): string {
  return `key-set.${String(revision).padStart(6, '0')}.json`;
}

/** A private key. */
export function privateKeyFile(kid: string): string {
  return `${kid}.json`;
}

export function secretFile(name: string): string {
  return `${name}.secret`;
}

/** An instance's last report. */
export function instanceFile(instanceId: string): string {
  return `${instanceId}.instance`;
}

export function isInstanceFile(name: string): boolean {
  return name.endsWith('.instance');
}

export function isTemporaryFile(name: string): boolean {
  return name.endsWith('.tmp');
}

/** The revisions whose key sets are among the files, the newest first. */
export function revisionsIn(names: readonly string[]): number[] {
  const revisions = names.map((name) => KEY_SET.exec(name)?.[1]).filter((digits) => digits !== undefined);
  return revisions.map(Number).sort((a, b) => b - a);
}

/** The `kid`s whose private keys are among the files. */
export function kidsIn(names: readonly string[]): string[] {
  return names.map((name) => PRIVATE_KEY.exec(name)?.[1]).filter((kid) => kid !== undefined);
}

export function secretNamesIn(names: readonly string[]): string[] {
  return names.map((name) => SECRET.exec(name)?.[1]).filter((secret) => secret !== undefined);
}
