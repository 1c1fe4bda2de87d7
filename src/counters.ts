/** What the domain counts as it happens. Labels come from fixed sets, never from what a request brought. */
import type { RevocationType } from './blocklist/entry.js';
import type { RefreshFailureReason } from './oauth/errors.js';
import type { GrantType } from './oauth/grant-type.js';

export type LoginOutcome = 'succeeded' | 'failed' | 'limited';
export type RefreshOutcome = 'rotated' | 'retry' | RefreshFailureReason;

export interface Counters {
  tokenIssued(grant: GrantType): void;
  login(outcome: LoginOutcome): void;
  refresh(outcome: RefreshOutcome): void;
  revocation(type: RevocationType): void;
}
