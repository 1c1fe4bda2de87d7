/** An instance's report as JSON, the same in every home. */
import { asRecord } from './key-codec.js';
import type { InstanceReport, KeyUsage } from './key-store.js';

/** @throws Error when it is not a report */
export function decodeReport(value: unknown): InstanceReport {
  const record = asRecord(value);
  const { instanceId, signingKid, stoppedAtMs, usage } = record;
  if (typeof instanceId !== 'string') throw new Error('has no instanceId');
  return {
    instanceId,
    reportedAtMs: number(record.reportedAtMs),
    startedAtMs: number(record.startedAtMs),
    stoppedAtMs: stoppedAtMs === null ? null : number(stoppedAtMs),
    revision: number(record.revision),
    signingKid: typeof signingKid === 'string' ? signingKid : null,
    usage: Array.isArray(usage) ? usage.map(decodeUsage) : [],
  };
}

function decodeUsage(value: unknown): KeyUsage {
  const { kid, lastSignedAtMs, unexpired } = asRecord(value);
  if (typeof kid !== 'string' || !Array.isArray(unexpired)) throw new Error('has no valid usage');
  const buckets = unexpired.map(asRecord);
  return {
    kid,
    lastSignedAtMs: number(lastSignedAtMs),
    unexpired: buckets.map((bucket) => ({
      expiresByMs: number(bucket.expiresByMs),
      count: number(bucket.count),
    })),
  };
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new Error('has a member that is not a number');
  return value;
}
