import { OAuthError, temporarilyUnavailable } from '../../oauth/errors.js';
import { Prisma } from './generated/client.js';

/**
 * SQLSTATE classes that say "not now" rather than "not ever": connection, transaction state (a demoted primary is read-only),
 * authorization and a missing database (both while a server is replaced), rollback, resources, operator intervention.
 */
const transientClasses = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58']);

/** Prisma's codes for "the database cannot be reached, or not in time". */
const unreachableCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']);

/** PGlite throws these when it is closing or closed. */
const closedMessage = /PGlite is (closed|closing)|Cannot use a pool after calling end/;

/** Whether the database is away (answer 503, try again) rather than the statement wrong (answer 500). */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    return unreachableCodes.has(error.code) || isUnavailable(error.meta?.driverAdapterError);
  }
  if (closedMessage.test(error.message)) return true;
  const sqlState = sqlStateOf(error);
  if (sqlState) return transientClasses.has(sqlState.slice(0, 2));
  // What the network, the pool or a time limit throws carries no SQLSTATE.
  return !(error instanceof Prisma.PrismaClientValidationError) && !(error instanceof TypeError);
}

function sqlStateOf(error: Error): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: { originalCode?: unknown } };
  const candidate = typeof cause?.originalCode === 'string' ? cause.originalCode : code;
  return typeof candidate === 'string' && /^[0-9A-Z]{5}$/.test(candidate) ? candidate : undefined;
}

/** What a failed query becomes: 503 when the database is away, the error itself when it is a defect or a known outcome. */
export function storageFailure(error: unknown): unknown {
  if (error instanceof OAuthError) return error;
  return isUnavailable(error) ? temporarilyUnavailable('database unavailable', error) : error;
}

/** SQLSTATEs of a statement that the server no longer takes as it was prepared. */
const outdatedStates = new Set(['0A000', '26000', '42P05']);

/** Whether a Prisma call failed since its statements have to be prepared anew; the driver sees to that. */
export function isOutdated(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { meta } = error as { meta?: { driverAdapterError?: unknown } };
  if (meta?.driverAdapterError) return isOutdated(meta.driverAdapterError);
  return outdatedStates.has(sqlStateOf(error) ?? '');
}

const uniqueViolation = '23505';

/** The name of the unique constraint that refused a statement, if that is what happened. */
export function violatedUniqueness(error: unknown): string | undefined {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === uniqueViolation && typeof constraint === 'string' ? constraint : undefined;
}
