/**
 * What a connection would take over from the database, the role, the server's configuration, the environment or the URL, and
 * what this server relies on. Each connection sets it for itself: docs/decisions/connection-settings.md has the reasons.
 */

/** How values are read and written: the drivers and our statements know this form alone. */
const form: Record<string, string> = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
};

/** What a statement sees, and how it is carried out. */
const behaviour: Record<string, string> = {
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  default_table_access_method: 'heap',
  plan_cache_mode: 'auto',
  jit: 'off',
};

/** Off: what was answered could be lost in a crash. Other values say how much more than this server's disk has to have it. */
const durability = `CASE pg_catalog.current_setting('synchronous_commit') WHEN 'off' THEN 'on'
  ELSE pg_catalog.current_setting('synchronous_commit') END`;

/**
 * By the server's own clock. A statement is over before its caller gives it up: one that waited on for a lock would be done
 * long after the answer. An instance that freezes in mid-transaction does not hold its locks for as long as TCP takes to
 * notice. Whatever else would cut off a statement, or a connection that waits, is off.
 */
const timeouts: Record<string, string> = {
  statement_timeout: '2800',
  idle_in_transaction_session_timeout: '5000',
  lock_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
};

/** For a connection that waits for others, or changes the schema. */
export const withoutTimeLimits = 'SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0';

/** Only what this version of the server knows is set: some came later than others. */
function settingsStatement(settings: Record<string, string>, schema: string): string {
  // Temporary objects last, so that none can stand in for a table.
  const all = { ...settings, search_path: `${quotedIdentifier(schema)}, pg_temp` };
  const rows = Object.entries(all).map(([name, value]) => `('${name}', ${quotedText(value)})`);
  return `
    SELECT pg_catalog.set_config(name, value, false)
    FROM (VALUES ${rows.join(', ')}, ('synchronous_commit', ${durability})) AS wanted (name, value)
    WHERE pg_catalog.current_setting(name, true) IS NOT NULL`;
}

export function serverSettings(schema: string): string {
  return settingsStatement({ ...form, ...behaviour, ...timeouts }, schema);
}

export function embeddedSettings(): string {
  return settingsStatement({ ...form, ...behaviour }, 'public');
}

export function quotedIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quotedText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
