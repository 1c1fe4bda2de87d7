/** What one check of `doctor` found. */
export interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  message: string;
  /** What to do about it. */
  advice?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}

export function warn(check: string, message: string, advice: string): Finding {
  return { check, status: 'warn', message, advice };
}

export function fail(check: string, message: string, advice: string): Finding {
  return { check, status: 'fail', message, advice };
}

export function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error('unknown failure');
  return cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message;
}
