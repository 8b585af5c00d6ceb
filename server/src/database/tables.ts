/**
 * The Postgres schema that holds everything of Tidemark's, so that a database can be shared with other applications.
 * All SQL names it: a search path is lost behind a pooler. No role is called like this, and that is on purpose:
 * Postgres puts a schema with the role's name in front of the search path, where other programs would meet our tables.
 */
export const ownSchema = 'tidemark_store'

/** A table as far as this version relies on it: columns with Postgres's names of their types. */
type Columns = Readonly<Record<string, string>>

/** The tables of 0001-journal, by which those of the first version, which had no schema of their own, are known. */
export const journalTables: Readonly<Record<string, Columns>> = {
  documents: {
    id: 'bigint',
    name: 'text',
    epoch: 'uuid',
    head: 'bigint',
    created_at: 'timestamp with time zone',
    updated_at: 'timestamp with time zone',
  },
  updates: {
    document_id: 'bigint',
    revision: 'bigint',
    bytes: 'bytea',
    author: 'text',
    created_at: 'timestamp with time zone',
  },
  snapshots: {
    document_id: 'bigint',
    revision: 'bigint',
    bytes: 'bytea',
    created_at: 'timestamp with time zone',
  },
  quarantine: {
    id: 'bigint',
    document_id: 'bigint',
    revision: 'bigint',
    source: 'text',
    bytes: 'bytea',
    reason: 'text',
    created_at: 'timestamp with time zone',
  },
}

/** Everything this version reads and writes. */
export const tables: Readonly<Record<string, Columns>> = {
  ...journalTables,
  updates: { ...journalTables.updates, crc: 'bigint' },
  snapshots: { ...journalTables.snapshots, crc: 'bigint', missing: 'bigint[]' },
  revocations: {
    kind: 'text',
    subject: 'text',
    changed_at: 'timestamp with time zone',
    expires_at: 'timestamp with time zone',
  },
  migrations: { name: 'text', applied_at: 'timestamp with time zone' },
}
