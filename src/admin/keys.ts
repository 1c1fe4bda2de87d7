/** Operations on signing keys, for the command line and HTTP alike. Times are milliseconds since the epoch. */
export { checkKeys, type KeyCheck } from './keys/check.js';
export type { KeyAdminContext, KeyRevocations } from './keys/context.js';
export { type KeyMove, moveKeys, type ReencryptionResult, reencryptKeys } from './keys/homes.js';
export { type KeyList, type KeyListing, listKeys } from './keys/list.js';
export { type KeyRevocationResult, revokeKey } from './keys/revoke.js';
export { type AllKeysRevocationResult, revokeAllKeys } from './keys/revoke-all.js';
export { type RotateOptions, type RotationResult, rotateKeys } from './keys/rotate.js';
