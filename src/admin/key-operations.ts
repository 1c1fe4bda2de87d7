/** The operations on signing keys, in the table's form. */
import Type from 'typebox';
import type { EncryptedKeyStore } from '../keys/key-store.js';
import { signingAlgs } from '../keys/signing-key.js';
import type { JsonObject } from '../oauth/claims.js';
import type { AdminContext } from './context.js';
import {
  allKeysRevocation,
  keyCheck,
  keyList,
  keyMove,
  keyRevocation,
  reencryption,
  rotation,
} from './key-results.js';
import {
  checkKeys,
  type KeyAdminContext,
  listKeys,
  moveKeys,
  reencryptKeys,
  revokeAllKeys,
  revokeKey,
  rotateKeys,
} from './keys.js';
import { operation } from './operation.js';
import { invalid, Refusal, unknown } from './refusals.js';
import { toWire } from './wire.js';

const strict = { additionalProperties: false };
const nothing = Type.Object({}, strict);

const revocationReason = Type.String({
  pattern: '^[a-z][a-z_]{0,63}$',
  description: 'For the feed. Default: `compromised`',
});

const list = operation({
  name: 'keys.list',
  method: 'GET',
  path: '/keys',
  summary: 'List signing keys: state, age, what happens next, what depends on them',
  input: nothing,
  result: keyList,
  run: async (context, _input, actor) => toWire(await listKeys(keyContext(context, actor))),
});

const check = operation({
  name: 'keys.check',
  method: 'GET',
  path: '/keys/check',
  summary: 'Say what is wrong with the signing keys, or soon will be',
  input: nothing,
  result: keyCheck,
  run: async (context, _input, actor) => toWire(await checkKeys(keyContext(context, actor))),
});

const rotate = operation({
  name: 'keys.rotate',
  method: 'POST',
  path: '/keys/rotate',
  summary: 'Let the next key sign, if every verifier can know it by now',
  input: Type.Object(
    {
      alg: Type.Optional(Type.Enum(signingAlgs, { description: 'Sign with this algorithm from now on' })),
      at_safe_time: Type.Optional(
        Type.Boolean({ description: 'Where it is not safe yet: schedule it for when it is' }),
      ),
      force: Type.Optional(
        Type.Boolean({ description: 'Now, whichever verifier does not know the key yet' }),
      ),
      dry_run: Type.Optional(
        Type.Boolean({ description: 'Tell what every verifier would see, and change nothing' }),
      ),
    },
    strict,
  ),
  result: rotation,
  run: async (context, { alg, at_safe_time: atSafeTime, force, dry_run: dryRun }, actor) => {
    if (atSafeTime && force) throw invalid('Either at the safe time or by force');
    const options = {
      ...(alg && { alg }),
      ...(atSafeTime !== undefined && { atSafeTime }),
      ...(force !== undefined && { force }),
      ...(dryRun !== undefined && { dryRun }),
    };
    const result = await rotateKeys(keyContext(context, actor), options);
    return done(context, result, ['rotated', 'scheduled', 'dry-run']);
  },
});

const revoke = operation({
  name: 'keys.revoke',
  method: 'POST',
  path: '/keys/:kid/revoke',
  summary:
    'Withdraw one key: every token that it signed is dead, the next key signs. Whoever read its home has that, too: see --all',
  input: Type.Object(
    {
      kid: Type.String({ minLength: 1, maxLength: 200, description: 'The key id, as in `keys list`' }),
      reason: Type.Optional(revocationReason),
    },
    strict,
  ),
  result: keyRevocation,
  run: async (context, { kid, reason }, actor) => {
    const result = await revokeKey(keyContext(context, actor), kid, reason);
    if (result.outcome === 'unknown-key') throw unknown('key');
    return done(context, result, ['revoked', 'already-revoked']);
  },
});

const revokeAll = operation({
  name: 'keys.revoke-all',
  command: 'keys revoke --all',
  method: 'POST',
  path: '/keys/revoke-all',
  summary:
    'Withdraw every key, for when somebody has read where they are kept: all access tokens are dead, a new key signs at once',
  input: Type.Object(
    {
      reason: Type.Optional(revocationReason),
      dry_run: Type.Optional(Type.Boolean({ description: 'Tell what would follow, and change nothing' })),
    },
    strict,
  ),
  result: allKeysRevocation,
  run: async (context, { reason, dry_run: dryRun }, actor) => {
    const options = { ...(reason !== undefined && { reason }), ...(dryRun !== undefined && { dryRun }) };
    const result = await revokeAllKeys(keyContext(context, actor), options);
    return done(context, result, ['revoked', 'dry-run']);
  },
});

const move = operation({
  name: 'keys.move',
  method: 'POST',
  path: '/keys/move',
  summary: 'Move all keys between KEYS_DIR and the database',
  local: true,
  input: Type.Object({ to: Type.Enum(['files', 'database'], { description: 'The new home' }) }, strict),
  result: keyMove,
  run: async (context, { to }, actor) => {
    const [files, database] = [context.keys.homes.files(), databaseHome(context)];
    const [source, target] = to === 'files' ? [database, files] : [files, database];
    const moved = await done(context, await moveKeys(source, target), ['moved']);
    await context.audit.record({ type: 'keys_moved', actor, detail: { to } });
    return moved;
  },
});

const reencrypt = operation({
  name: 'keys.reencrypt',
  method: 'POST',
  path: '/keys/reencrypt',
  summary: 'Encrypt with KEY_ENCRYPTION_KEY what KEY_ENCRYPTION_KEY_PREVIOUS encrypted',
  local: true,
  input: nothing,
  result: reencryption,
  run: async (context, _input, actor) => {
    const reencrypted = await done(context, await reencryptKeys(databaseHome(context)), ['done']);
    await context.audit.record({ type: 'keys_reencrypted', actor });
    return reencrypted;
  },
});

export const keyOperations = [list, check, rotate, revoke, revokeAll, move, reencrypt];

function databaseHome({ keys }: AdminContext): EncryptedKeyStore {
  const home = keys.homes.database();
  if (!home) {
    throw invalid(
      'Keys in the database need KEY_ENCRYPTION_KEY. If a server runs on the embedded one, its settings count',
    );
  }
  return home;
}

function keyContext(
  { keys, clock, randomBytes, blocklist, audit }: AdminContext,
  actor: string,
): KeyAdminContext {
  const { store, settings } = keys;
  return { store, settings, clock, randomBytes, revocations: blocklist, audit, actor };
}

/** The result as it is, or a refusal that carries it. */
async function done(
  { keys }: AdminContext,
  result: { outcome: string; message: string },
  successes: readonly string[],
): Promise<JsonObject> {
  const wire = toWire(result);
  if (!successes.includes(result.outcome)) throw new Refusal(result.message, wire);
  await keys.changed();
  return wire;
}
