import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * Errors are logged by type, message, code and stack alone: what libraries hang on them (commands, parameters, rows)
 * may hold tokens and passwords.
 */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: typeof error };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    message,
    stack,
    ...(typeof code === 'string' && { code }),
    ...(cause instanceof Error && { cause: serializeError(cause) }),
  };
}

/** Structured logs, a JSON object per line. */
export function createLogger(level: string, destination: DestinationStream): Logger {
  return pino({ level, base: null, serializers: { err: serializeError } }, destination);
}

const bulkBytes = 8_192;
const flushMilliseconds = 100;

/** Standard output, written in bulk: a system call per line would cost as much as the request that it tells of. */
export function bulkOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: false, minLength: bulkBytes });
  setInterval(() => output.flush(), flushMilliseconds).unref();
  return output;
}
