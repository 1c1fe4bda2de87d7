import type { Test } from 'tap';
import {
  createVerifier,
  type Verifier,
  VerifierError,
  type VerifierOptions,
} from '../../src/verifier/index.js';
import { AUDIENCE, FakeServer } from './fake-server.js';

export const FOLLOW = {
  follow: 'stream',
  clientId: 'books-api',
  clientSecret: 'a secret: with + and ü',
  maxStalenessSeconds: 30,
  onStale: 'reject',
} as const;

/** A fake server and a verifier of its tokens, both gone with the test. */
export async function setUp(test: Test, options: Partial<VerifierOptions> = {}) {
  const server = await FakeServer.start();
  test.teardown(() => server.stop());
  return { server, verifier: verifierOf(test, server, options) };
}

export function verifierOf(test: Test, server: FakeServer, options: Partial<VerifierOptions> = {}): Verifier {
  const verifier = createVerifier({
    issuer: server.issuer,
    audience: AUDIENCE,
    revocations: { follow: 'off' },
    ...options,
  });
  test.teardown(() => verifier.close());
  return verifier;
}

/** The error that the promise rejects with; fails the test when it does not, or with another kind of error. */
export async function refusal(test: Test, promise: Promise<unknown>): Promise<VerifierError | undefined> {
  try {
    await promise;
    test.fail('The token was accepted');
  } catch (error) {
    if (error instanceof VerifierError) return error;
    test.fail('Rejected with something that is no VerifierError', { error });
  }
  return undefined;
}

export async function refusedWith(test: Test, promise: Promise<unknown>, code: string, title = code) {
  const error = await refusal(test, promise);
  test.equal(error?.code, code, title);
  return error;
}

/** Waits until the condition holds; throws after a time that no healthy run needs. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A clock that stands still until the test moves it: however long the machine takes, no more time has passed. */
export function movableClock() {
  let nowMs = Date.now();
  return { clock: () => nowMs, advance: (seconds: number) => (nowMs += seconds * 1000) };
}
