/** The SQL of {@link PostgresKeyStore}. */
import { statement } from './database.js';

export type RecordRow = { name: string; revision: number; metadata: unknown; encrypted: string | null };

export const findRevision = statement<{ revision: number }>(
  `SELECT revision FROM key_records WHERE name = 'key-set'`,
);

export const loadAll = statement<RecordRow>(
  `SELECT name, revision, metadata, encrypted FROM key_records WHERE name = 'key-set' OR name LIKE 'key:%'`,
);

export const createKeySet = statement(`
  INSERT INTO key_records (name, metadata, updated_at) VALUES ('key-set', '{"movedTo": null, "keys": []}', now())
  ON CONFLICT DO NOTHING`);

export const commitKeySet = statement<{ revision: number }>(`
  WITH head AS (
    UPDATE key_records SET revision = revision + 1, metadata = $2::jsonb, updated_at = now()
    WHERE name = 'key-set' AND revision = $1::int
    RETURNING revision
  ), destroyed AS (
    DELETE FROM key_records
    WHERE (name LIKE 'key:%' AND name <> ALL ($3::text[]) OR name LIKE 'secret:%' AND $6::boolean)
      AND EXISTS (SELECT FROM head)
  ), added AS (
    INSERT INTO key_records (name, metadata, encrypted, updated_at)
    SELECT new_key.name, '{}', new_key.encrypted, now()
    FROM head, unnest($4::text[], $5::text[]) AS new_key (name, encrypted)
  )
  SELECT revision FROM head`);

export const findSecrets = statement<RecordRow>(
  `SELECT name, revision, metadata, encrypted FROM key_records WHERE name LIKE $1::text`,
);

export const createSecret = statement(`
  INSERT INTO key_records (name, metadata, encrypted, updated_at) VALUES ($1::text, '{}', $2::text, now())
  ON CONFLICT DO NOTHING`);

export const replaceSecret = statement(`
  INSERT INTO key_records (name, metadata, encrypted, updated_at) VALUES ($1::text, '{}', $2::text, now())
  ON CONFLICT (name) DO UPDATE SET encrypted = excluded.encrypted, revision = key_records.revision + 1, updated_at = now()`);

export const upsertReport = statement(`
  WITH outdated AS (
    DELETE FROM key_records WHERE name LIKE 'instance:%' AND name <> $1::text AND updated_at < now() - interval '7 days'
  )
  INSERT INTO key_records (name, metadata, updated_at) VALUES ($1::text, $2::jsonb, clock_timestamp())
  ON CONFLICT (name) DO UPDATE SET metadata = excluded.metadata, updated_at = clock_timestamp()`);

export const findReports = statement<{ metadata: unknown; updated_at: Date }>(
  `SELECT metadata, updated_at FROM key_records WHERE name LIKE 'instance:%'`,
);

export const findEncrypted = statement<RecordRow>(
  'SELECT name, revision, metadata, encrypted FROM key_records WHERE encrypted IS NOT NULL',
);

export const replaceEncrypted = statement<{ name: string }>(`
  UPDATE key_records SET encrypted = $3::text, updated_at = now()
  WHERE name = $1::text AND encrypted = $2::text RETURNING name`);
