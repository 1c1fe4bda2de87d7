import type { VerifierErrorCode } from './errors.js';

/** What the verifier has done since it was created; all only grow, but `blocklistEntries`, which is a level. */
export interface VerifierCounters {
  verified: number;
  /** Refusals by code. */
  refused: Partial<Record<VerifierErrorCode, number>>;
  keySetFetches: number;
  keySetFailures: number;
  /** Entries received from the feed. */
  feedEntries: number;
  /** Connections and requests to the feed that failed or were cut. */
  feedFailures: number;
  /** Times the feed was read to its end, by page or by heartbeat. */
  feedSynchronisations: number;
  /** Revocations held at the moment. */
  blocklistEntries: number;
}

export function newCounters(): VerifierCounters {
  return {
    verified: 0,
    refused: {},
    keySetFetches: 0,
    keySetFailures: 0,
    feedEntries: 0,
    feedFailures: 0,
    feedSynchronisations: 0,
    blocklistEntries: 0,
  };
}
