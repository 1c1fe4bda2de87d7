// What every tab of this app knows about its session. It lives in memory; tabs tell each other by BroadcastChannel.

/** `logout`: somebody asked for it; `none`: there was no session; else the server's word (a theft shows as `reused`). */
export type SignedOutReason = 'logout' | 'none' | 'expired' | 'revoked' | 'reused' | 'unknown';

/** What `onChange` tells: `unknown` until the server was asked. `expiresAt`: milliseconds since the Unix epoch, by this device's clock. */
export type AuthState =
  | { readonly status: 'unknown' }
  | { readonly status: 'signed_in'; readonly expiresAt: number; readonly scope: string }
  | { readonly status: 'signed_out'; readonly reason: SignedOutReason };

/** One fact about the session. Facts are compared by identity: a new one means that somebody has acted. */
export interface Fact {
  readonly state: AuthState;
  readonly accessToken?: string;
  /** From when the access token should be replaced. */
  readonly refreshAt?: number;
  /** When it was learned: the later fact wins. */
  readonly at: number;
}

export interface SharedState {
  readonly current: Fact;
  set(fact: Fact): void;
  subscribe(listener: (state: AuthState) => void): () => void;
}

export function shareState(name: string): SharedState {
  const listeners = new Set<(state: AuthState) => void>();
  const channel = globalThis.BroadcastChannel && new BroadcastChannel(name);
  let current: Fact = { state: { status: 'unknown' }, at: 0 };

  function learn(fact: Fact): void {
    current = fact;
    // In a microtask each: a listener that throws must not turn a login into a failure.
    for (const listener of listeners) queueMicrotask(() => listener(fact.state));
  }
  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<Fact>) => {
      if (data.at >= current.at) learn(data);
    };
  }
  return {
    get current() {
      return current;
    },
    set(fact) {
      learn(fact);
      channel?.postMessage(fact);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
