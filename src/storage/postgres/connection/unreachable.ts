/** A connection that cannot be made, in the words of whoever wrote DATABASE_URL. */
import type { Target } from './target.js';

/** Its message names the setting and where it leads, and never the password. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable';
  constructor(
    message: string,
    /** What the system, OpenSSL or PostgreSQL calls the failure. */
    readonly code: string,
  ) {
    super(`DATABASE_URL: ${message}${code === '' ? '' : ` (${code})`}`);
  }
}

type Explanation = (target: Target, message: string) => string;

const refusesUser: Explanation = ({ address, user }, message) =>
  `PostgreSQL at ${address} refuses the user "${user}": ${message}`;
const notNow: Explanation = ({ address }, message) =>
  `PostgreSQL at ${address} takes no connection: ${message}`;
const noAnswer: Explanation = ({ address }) => `${address} does not answer`;
const notTrusted: Explanation = ({ address }, message) =>
  `the certificate of ${address} is not trusted: ${message}. If its CA is a private one, name it with sslrootcert`;

/** By the code of the system or of OpenSSL, or by the SQLSTATE. */
const explanations: Record<string, Explanation> = {
  ECONNREFUSED: ({ address }) => `nothing listens at ${address}`,
  ENOENT: ({ address }) => `there is no socket in ${address}`,
  ENOTFOUND: ({ address }) => `the host of ${address} is not known`,
  EAI_AGAIN: ({ address }) => `the host of ${address} could not be looked up`,
  ETIMEDOUT: noAnswer,
  EHOSTUNREACH: noAnswer,
  ENETUNREACH: noAnswer,
  '28000': refusesUser,
  '28P01': refusesUser,
  '3D000': ({ address, database }) => `PostgreSQL at ${address} has no database "${database}"`,
  '53300': notNow,
  '57P03': notNow,
};

const certificateCode = /CERT|UNABLE_TO|CA$|ERR_TLS|HOSTNAME_MISMATCH/;

/** What has no code, by its message. */
const explainedMessages: [pattern: RegExp, Explanation][] = [
  [/does not support SSL/, ({ address }) => `the server at ${address} has no TLS, which sslmode asks for`],
  [
    /password must be a (non-empty )?string/,
    ({ address }) => `PostgreSQL at ${address} asks for a password, and there is none`,
  ],
  [/^timeout expired$|due to connection timeout/, noAnswer],
];

/** The failure itself where it is not one of connecting. */
export function explained(error: unknown, target: Target): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') {
    const explanation = explanations[code] ?? (certificateCode.test(code) ? notTrusted : undefined);
    return explanation ? new DatabaseUnreachable(explanation(target, error.message), code) : error;
  }
  const [, explanation] = explainedMessages.find(([pattern]) => pattern.test(error.message)) ?? [];
  return explanation ? new DatabaseUnreachable(explanation(target, error.message), '') : error;
}
