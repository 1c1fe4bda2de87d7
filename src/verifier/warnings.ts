// What the console says where the resource server has no `onError`.
import { BackgroundError, SetupError } from './failures.js';

const effects = {
  keys: 'Tokens may be refused with 503 until it can. It is tried again.',
  revocations:
    'Tokens are refused with 503, or accepted without new revocations, as onStale says. It is tried again.',
};

/** Warns once per kind of failure, with what is wrong and what to do. */
export function warnOncePerKind(): (error: Error) => void {
  const warned = new Set<string>();
  return function warn(error) {
    const kind = kindOf(error);
    if (kind === undefined || warned.has(kind)) return;
    warned.add(kind);
    console.warn(`keyturn verifier: ${describe(error)} This is said once: use onError to see all failures.`);
  };
}

/** Undefined for what heals by itself as a rule. */
function kindOf(error: Error): string | undefined {
  if (error.cause instanceof SetupError) return error.cause.problem;
  if (!(error instanceof BackgroundError)) return error.message;
  return error.kind === 'keys' || error.isRepeated ? error.kind : undefined;
}

function describe(error: Error): string {
  const reason = error.cause instanceof Error ? error.cause.message : String(error.cause);
  const healsByItself = error instanceof BackgroundError && !(error.cause instanceof SetupError);
  return `${error.message}: ${reason}.${healsByItself ? ` ${effects[error.kind]}` : ''}`;
}
