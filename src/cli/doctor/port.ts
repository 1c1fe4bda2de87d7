import { createServer } from 'node:net';
import type { Config } from '../../config.js';
import { type Finding, fail, ok, warn } from './finding.js';

const timeoutMilliseconds = 3_000;
/** Where to ask when the server listens on every address. */
const reachable: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Either our server answers there, or nobody does and it could be listened on. */
export async function checkPort(config: Config): Promise<Finding> {
  const address = `${config.host}:${config.port}`;
  const answer = await readiness(config);
  if (answer === 'ready') return ok('port', `a server answers on ${address}, and is ready`);
  if (answer === 'not ready') {
    return warn(
      'port',
      `a server answers on ${address}, but is not ready`,
      'See its log, and the other findings.',
    );
  }
  if (answer === 'stranger') {
    return fail('port', `another program answers on ${address}`, 'Set another PORT, or end it.');
  }
  const problem = await listenProblem(config);
  if (problem === undefined) return ok('port', `${address} is free`);
  return fail('port', `${address} cannot be listened on (${problem})`, 'Set another PORT or HOST.');
}

async function readiness({ host, port }: Config): Promise<'ready' | 'not ready' | 'stranger' | 'nobody'> {
  const authority = reachable[host] ?? (host.includes(':') ? `[${host}]` : host);
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const response = await fetch(`http://${authority}:${port}/health/ready`, { signal, redirect: 'manual' });
    const { status } = (await response.json()) as { status?: unknown };
    if (status === 'ok') return 'ready';
    return status === 'unavailable' ? 'not ready' : 'stranger';
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } };
    return cause?.code === 'ECONNREFUSED' || cause?.code === 'EADDRNOTAVAIL' ? 'nobody' : 'stranger';
  }
}

/** Why nobody can listen there, or undefined. */
function listenProblem({ host, port }: Config): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
