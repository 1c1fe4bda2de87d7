// keyturn's verifier: access tokens checked locally, revocations heard of at once. Its one dependency is `jose`.
export type { AccessTokenClaims } from './claims.js';
export type { VerifierCounters } from './counters.js';
export {
  AccessDeniedError,
  TokenRefusedError,
  VerifierError,
  type VerifierErrorCode,
  VerifierUnavailableError,
} from './errors.js';
export type { FollowOptions, RevocationOptions, SignatureAlgorithm, VerifierOptions } from './options.js';
export type { Requirements } from './requirements.js';
export { createVerifier, type Verifier } from './verifier.js';
