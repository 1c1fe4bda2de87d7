/** What the operations on signing keys answer, on the wire. */
import Type from 'typebox';
import { signingAlgs } from '../keys/signing-key.js';
import { listOf, nullable, texts, time, wire } from './result.js';

const kid = Type.String();
const state = Type.Enum(['next', 'active', 'retired', 'removed', 'revoked']);
const alg = Type.Enum(signingAlgs);

const listedKey = Type.Object({
  kid,
  alg,
  state,
  age_seconds: Type.Integer(),
  can_sign: Type.Boolean({ description: 'Whether its private half is there' }),
  published_at: time,
  activates_at: nullable(time),
  retires_at: nullable(time),
  removes_at: nullable(time),
  revoked_at: nullable(time),
  revocation_reason: nullable(Type.String()),
  next_step: nullable(Type.Object({ state, at: time })),
  safe_to_sign_from: nullable(time),
  last_signed_at: nullable(time),
  unexpired_tokens: Type.Integer({ description: 'At most so many depend on it' }),
});

const problem = Type.Object({
  source: Type.String(),
  message: Type.String(),
  kid: Type.Optional(kid),
});

export const keyList = wire({
  home: Type.String({ description: 'Where the keys are kept' }),
  revision: Type.Integer(),
  keys: listOf(listedKey),
  problems: listOf(problem),
});

const usage = Type.Object({
  kid,
  last_signed_at: time,
  unexpired: listOf(Type.Object({ expires_by: time, count: Type.Integer() })),
});

const instance = Type.Object({
  instance_id: Type.String(),
  reported_at: time,
  recorded_at: time,
  started_at: time,
  stopped_at: nullable(time),
  revision: Type.Integer(),
  signing_kid: nullable(kid),
  usage: listOf(usage),
});

export const keyCheck = wire({
  ok: Type.Boolean(),
  problems: texts,
  warnings: texts,
  instances: listOf(instance),
});

const step = Type.Object({
  at: time,
  signing_kid: nullable(kid),
  published_kids: listOf(kid),
  changes: listOf(Type.Object({ kid, state })),
});

export const rotation = wire({
  outcome: Type.Enum(['rotated', 'scheduled', 'dry-run']),
  promoted_kid: kid,
  retired_kid: nullable(kid),
  next_kid: kid,
  activates_at: time,
  timeline: listOf(step),
  message: Type.String(),
  warnings: texts,
});

/** Of a key that was revoked before, only what is required. */
export const keyRevocation = wire({
  outcome: Type.Enum(['revoked', 'already-revoked']),
  announced: Type.Boolean({ description: 'Whether the feed has the revocation' }),
  message: Type.String(),
  warnings: texts,
  kid: Type.Optional(kid),
  state_before: Type.Optional(state),
  signing_kid: Type.Optional(kid),
  next_kid: Type.Optional(kid),
  consequences: Type.Optional(texts),
});

export const allKeysRevocation = wire({
  outcome: Type.Enum(['revoked', 'dry-run']),
  kids: Type.Array(kid, { description: 'The keys that are gone' }),
  signing_kid: nullable(kid),
  next_kid: nullable(kid),
  announced: Type.Boolean({ description: 'Whether the feed has all of them' }),
  message: Type.String(),
  consequences: texts,
  warnings: texts,
});

export const keyMove = wire({
  outcome: Type.Enum(['moved']),
  kids: listOf(kid),
  message: Type.String(),
});

export const reencryption = wire({
  outcome: Type.Enum(['done']),
  message: Type.String(),
});
