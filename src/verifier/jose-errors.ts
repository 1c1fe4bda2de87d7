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

/** What a token was expected to say. */
interface Expected {
  issuer: string;
  audience: readonly string[];
}

/**
 * The refusal that an error thrown during verification stands for. Whatever is not foreseen is a refusal too. The cause of
 * a mismatch names what was expected and what was found.
 */
export function refusalOf(error: unknown, expected: Expected): VerifierError {
  if (error instanceof VerifierError) return error;
  const code = codeOf(error);
  return verifierError(code, { cause: mismatch(code, error, expected) ?? error });
}

function mismatch(
  code: VerifierErrorCode,
  error: unknown,
  { issuer, audience }: Expected,
): Error | undefined {
  if (!(error instanceof errors.JWTClaimValidationFailed)) return undefined;
  const { iss, aud } = error.payload;
  const differ = (claim: string, wanted: unknown, found: unknown) =>
    new Error(`Expected ${claim} ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`, {
      cause: error,
    });
  if (code === 'issuer_mismatch') return differ('issuer', issuer, iss);
  if (code === 'audience_mismatch') return differ('audience', audience, aud);
  return undefined;
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
