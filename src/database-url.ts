/** What of DATABASE_URL is this server's own: the schema that its tables live in. */

const defaultSchema = 'public';

/** Throws an Error that says what is allowed. */
export function schemaOf(databaseUrl: string): string {
  const [schema, ...others] = new URL(databaseUrl).searchParams.getAll('schema');
  if (schema === undefined) return defaultSchema;
  if (others.length > 0) throw new Error('must name one schema');
  // PostgreSQL cuts names at 63 bytes, and keeps those with pg_ for itself.
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(schema) || /^(pg_|information_schema$)/i.test(schema)) {
    throw new Error(
      'has a schema that is not allowed: 1 to 63 letters, digits, _ and -, beginning with a letter or _, not with pg_',
    );
  }
  return schema;
}
