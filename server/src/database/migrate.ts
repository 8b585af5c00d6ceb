import { TidemarkError } from '@tidemark/shared'
import { type Kysely, sql, type Transaction } from 'kysely'
import { refuseForgottenTables } from './first-version.ts'
import { refusalOf } from './migration-failures.ts'
import { journal } from './migrations/0001-journal.ts'
import { checksums } from './migrations/0002-checksums.ts'
import { missingRevisions } from './migrations/0003-missing-revisions.ts'
import { revocations } from './migrations/0004-revocations.ts'
import { hasColumns, relationsIn } from './relations.ts'
import { ownSchema, tables } from './tables.ts'

/** One step of the schema; it runs inside the transaction of the whole migration. */
export type Migration = (transaction: Transaction<unknown>) => Promise<void>

/** Forward only (R7.3): a released migration is never edited, the next change is a new entry. */
const migrations: Readonly<Record<string, Migration>> = {
  '0001-journal': journal,
  '0002-checksums': checksums,
  '0003-missing-revisions': missingRevisions,
  '0004-revocations': revocations,
}

/** What a database that this version has migrated holds last. */
export const newestMigration = Object.keys(migrations).at(-1) as string

/** Any number will do that other programs do not use: the bytes of "tidemark". */
const lockKey = 0x74696465_6d61726bn

/**
 * Brings Tidemark's schema up to this version, in one transaction under an advisory lock that ends with it: many nodes
 * may start at once, nothing is ever half done, and poolers that share connections between transactions do no harm.
 * @throws {TidemarkError} `schema-too-new` when a newer Tidemark has migrated this database; `schema-unusable` when
 * something else stands in its place or a right is missing; the driver's error when the database is away
 */
export async function migrate(db: Kysely<unknown>): Promise<void> {
  try {
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (transaction) => {
        await sql`select set_config('lock_timeout', '60s', true), set_config('statement_timeout', '0', true)`.execute(
          transaction,
        )
        await sql`select pg_advisory_xact_lock(${sql.lit(lockKey.toString())}::bigint)`.execute(transaction)
        // who waits for a table lets everybody else wait behind him
        await sql`select set_config('lock_timeout', '10s', true)`.execute(transaction)
        await bringUpToDate(transaction)
      })
  } catch (error) {
    throw refusalOf(error)
  }
}

async function bringUpToDate(transaction: Transaction<unknown>): Promise<void> {
  await ensureOwnSchema(transaction)
  const applied = await appliedMigrations(transaction)
  const foreign = applied.filter((name) => !(name in migrations))
  if (foreign.length > 0) {
    throw new TidemarkError(
      'schema-too-new',
      `The database holds migrations this version does not know (${foreign.join(', ')}): ` +
        'it was written by a newer Tidemark. Start that version, or restore a backup made before the upgrade.',
    )
  }
  if (applied.length > 0) await refuseForgottenTables(transaction)
  for (const [name, migration] of Object.entries(migrations)) {
    if (applied.includes(name)) continue
    await migration(transaction)
    await sql`insert into tidemark_store.migrations (name) values (${name})`.execute(transaction)
  }
  await expectTables(transaction)
}

/** The schema with its list of migrations; an administrator may have made the empty schema for us. */
async function ensureOwnSchema(transaction: Transaction<unknown>): Promise<void> {
  const { rows } = await sql`select from pg_catalog.pg_namespace where nspname = ${ownSchema}`.execute(transaction)
  if (rows.length === 0) await sql`create schema ${sql.id(ownSchema)}`.execute(transaction)
  const relations = await relationsIn(transaction, ownSchema)
  if (hasColumns(relations.get('migrations'), tables.migrations ?? {})) return
  if (relations.size > 0) {
    throw new TidemarkError(
      'schema-unusable',
      `The schema ${ownSchema} of this database holds something that is not Tidemark's (${listed(relations.keys())}). ` +
        'Nothing was changed. Give that schema another name, or use another database (DATABASE_URL).',
    )
  }
  await sql`
    create table tidemark_store.migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`.execute(transaction)
}

async function appliedMigrations(transaction: Transaction<unknown>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from tidemark_store.migrations order by name`.execute(
    transaction,
  )
  return rows.map(({ name }) => name)
}

/** What the list of migrations says is compared with what is there: a table may have been lost in a partial restore. */
async function expectTables(transaction: Transaction<unknown>): Promise<void> {
  const relations = await relationsIn(transaction, ownSchema)
  const wrong = Object.entries(tables).filter(([name, columns]) => !hasColumns(relations.get(name), columns))
  if (wrong.length === 0) return
  throw new TidemarkError(
    'schema-unusable',
    `In the schema ${ownSchema} a table of Tidemark's is missing or has other columns (${listed(wrong.map(([name]) => name))}), ` +
      'although its migrations were made. Restore the whole schema from a backup.',
  )
}

function listed(names: Iterable<string>): string {
  const all = [...names].sort()
  return all.length > 5 ? `${all.slice(0, 5).join(', ')} and ${all.length - 5} more` : all.join(', ')
}
