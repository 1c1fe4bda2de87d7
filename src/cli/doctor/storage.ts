/** Database, clock, Redis and keys: by the same operations that the admin API has, so it works beside a running server. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { operationNamed } from '../../admin/operations.js';
import type { Config } from '../../config.js';
import type { JsonObject } from '../../oauth/claims.js';
import type { Transport } from '../transport.js';
import { type Finding, fail, ok, reasonOf, warn } from './finding.js';

export async function checkStorage(config: Config): Promise<Finding[]> {
  if (!config.databaseUrl && !existsSync(join(config.dataDirectory, 'postgres'))) {
    return [ok('database', 'embedded; will be made at the first start, and keys with it')];
  }
  const { openTransport } = await import('../open-transport.js');
  let transport: Transport;
  try {
    transport = await openTransport(config);
  } catch (error) {
    return [fail('database', reasonOf(error), databaseAdvice(error))];
  }
  try {
    return [...(await checkStatus(transport, config)), await checkKeys(transport)];
  } finally {
    await transport.close();
  }
}

function databaseAdvice(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'UnmigratedDatabase') return 'Run `keyturn migrate`.';
  if (name === 'UnfitDatabase') return 'Nothing was changed. `keyturn migrate` and the server refuse it too.';
  if (name === 'DirectoryInUse') return 'Wait for the other process, or end it.';
  return 'Check that the database runs, and that DATABASE_URL (or DATA_DIR) is right.';
}

async function checkStatus(transport: Transport, config: Config): Promise<Finding[]> {
  try {
    const status = await transport.run(operationNamed('status.show'), {});
    const database = member(status, 'database');
    return [
      ok('database', `PostgreSQL ${database.version}, ${database.kind}, migrated`),
      checkClock(Number(database.clock_difference_ms), config),
      ...checkRedis(status.redis),
    ];
  } catch (error) {
    return [fail('database', reasonOf(error), databaseAdvice(error))];
  }
}

const notableMilliseconds = 2_000;

function checkClock(differenceMilliseconds: number, { clockToleranceSeconds }: Config): Finding {
  const difference = Math.abs(differenceMilliseconds);
  const message = `${difference} ms between this machine and the database`;
  if (difference > Math.max(notableMilliseconds, clockToleranceSeconds * 1000)) {
    return fail('clock', message, 'Set both by NTP: tokens are judged by these clocks.');
  }
  if (difference > notableMilliseconds) return warn('clock', message, 'Set both by NTP.');
  return ok('clock', message);
}

function checkRedis(redis: unknown): Finding[] {
  if (redis === 'absent') return [ok('redis', 'not configured: the blocklist is read from the database')];
  if (redis === 'reachable') return [ok('redis', 'reachable')];
  const message = 'unreachable: servers work without it, more slowly';
  return [warn('redis', message, 'Check that Redis runs, and that REDIS_URL is right.')];
}

async function checkKeys(transport: Transport): Promise<Finding> {
  try {
    const { keys, problems } = await transport.run(operationNamed('keys.list'), {});
    if (isEmpty(keys) && isEmpty(problems)) return ok('keys', 'will be made at the first start');
    const check = await transport.run(operationNamed('keys.check'), {});
    const advice = 'See `keyturn keys list`.';
    if (check.ok !== true) return fail('keys', sentences(check.problems), advice);
    return isEmpty(check.warnings) ? ok('keys', 'in order') : warn('keys', sentences(check.warnings), advice);
  } catch (error) {
    return fail('keys', reasonOf(error), 'Check KEYS_DIR (or KEY_STORE and KEY_ENCRYPTION_KEY).');
  }
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function sentences(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : String(value);
}

function member(value: JsonObject, name: string): JsonObject {
  return { ...(value[name] as object) };
}
