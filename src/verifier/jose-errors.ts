// jose's errors in the words of this library.
import { errors } from 'jose';
import { VerifierError, type VerifierErrorCode, verifierError } from './errors.js';

const codeByClaim: Record<string, VerifierErrorCode> = {
  typ: 'type_mismatch',
  iss: 'issuer_mismatch',
  aud: 'audience_mismatch',
  nbf: 'token_not_yet_valid',
  iat: 'token_not_yet_valid',
};

/** The refusal that an error thrown during verification stands for. Whatever is not foreseen is a refusal too. */
export function refusalOf(error: unknown): VerifierError {
  if (error instanceof VerifierError) return error;
  return verifierError(codeOf(error), { cause: error });
}

function codeOf(error: unknown): VerifierErrorCode {
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'token_too_old' : 'token_expired';
  if (error instanceof errors.JWTClaimValidationFailed) return claimCode(error);
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm_refused';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature_invalid';
  return 'token_malformed';
}

function claimCode({ claim, reason }: errors.JWTClaimValidationFailed): VerifierErrorCode {
  if (reason === 'missing') return 'claim_missing';
  if (reason === 'invalid') return 'claim_invalid';
  return codeByClaim[claim] ?? 'claim_invalid';
}
