import { TidemarkError } from '@tidemark/shared'
import { sql, type Transaction } from 'kysely'
import { hasColumns, relationsIn } from './relations.ts'
import { journalTables, ownSchema } from './tables.ts'

/**
 * The first version kept its tables in whichever schema came first in the search path, under names that other
 * applications use too. They are taken for ours only when all four have our columns and `kysely_migration` lists our
 * migration.
 */
interface FirstVersion {
  schema: string
  /** The migrations of others that `kysely_migration` lists. */
  foreign: readonly string[]
}

/** The only migration that the first version had. */
const theirMigration = '0001-journal'
/** A name that the first version does not know: it refuses to start then, and does not make new, empty tables. */
const movedAway = `0002-moved-to-${ownSchema}`

/**
 * Moves the tables of the first version into our schema. A server of the first version that still runs does not find them
 * any more, so it acknowledges nothing; one that is started refuses the schema.
 * @returns whether there were any
 */
export async function moveFirstVersion(transaction: Transaction<unknown>): Promise<boolean> {
  const found = await findFirstVersion(transaction)
  if (!found) return false
  const { schema, foreign } = found
  for (const name of Object.keys(journalTables)) {
    await sql`alter table ${sql.id(schema, name)} set schema ${sql.id(ownSchema)}`.execute(transaction)
  }
  const bookkeeping = sql.id(schema, 'kysely_migration')
  if (foreign.length > 0) {
    // another application keeps its own list there, and the first version refuses a list with names it does not know
    await sql`delete from ${bookkeeping} where name = ${theirMigration}`.execute(transaction)
  } else {
    await sql`insert into ${bookkeeping} (name, timestamp) values (${movedAway}, ${new Date().toISOString()})`.execute(
      transaction,
    )
  }
  return true
}

/**
 * Documents in tables of the first version beside our schema would be shown by nobody: a server of that version was started
 * on this database, or a backup was restored there.
 * @throws {TidemarkError} `schema-unusable`
 */
export async function refuseForgottenTables(transaction: Transaction<unknown>): Promise<void> {
  const found = await findFirstVersion(transaction)
  if (!found) return
  const documents = sql.id(found.schema, 'documents')
  const { rows } = await sql<{ count: string }>`select count(*)::text as count from ${documents}`.execute(transaction)
  const count = rows[0]?.count ?? '0'
  if (count === '0') return
  throw new TidemarkError(
    'schema-unusable',
    `Beside ${ownSchema} there are tables of an earlier Tidemark in the schema ${found.schema} with ${count} documents, ` +
      'which this version would not show: an earlier version ran here, or a backup was restored. ' +
      `To use those, rename ${ownSchema} (alter schema … rename to …) and start again; to use ${ownSchema}, rename their table documents.`,
  )
}

async function findFirstVersion(transaction: Transaction<unknown>): Promise<FirstVersion | null> {
  const path = await sql<{ schema: string }>`select unnest(current_schemas(false))::text as schema`.execute(transaction)
  const candidates: FirstVersion[] = []
  for (const { schema } of path.rows) {
    if (schema === ownSchema) continue
    const found = await lookInto(transaction, schema)
    if (found) candidates.push(found)
  }
  if (candidates.length < 2) return candidates[0] ?? null
  throw new TidemarkError(
    'schema-unusable',
    `Tables of an earlier Tidemark are in more than one schema (${candidates.map(({ schema }) => schema).join(', ')}), ` +
      'and only one can be taken over. Put one schema alone into the search path of DATABASE_URL.',
  )
}

async function lookInto(transaction: Transaction<unknown>, schema: string): Promise<FirstVersion | null> {
  const relations = await relationsIn(transaction, schema)
  if (!hasColumns(relations.get('kysely_migration'), { name: 'character varying', timestamp: 'character varying' })) {
    return null
  }
  const ours = Object.entries(journalTables).filter(([name, columns]) => hasColumns(relations.get(name), columns))
  if (ours.length === 0) return null
  const applied = await sql<{ name: string }>`
    select name from ${sql.id(schema, 'kysely_migration')} order by name`.execute(transaction)
  const names = applied.rows.map(({ name }) => name)
  if (!names.includes(theirMigration) || names.includes(movedAway)) return null
  const missing = Object.keys(journalTables).filter((name) => !ours.some(([found]) => found === name))
  if (missing.length > 0) {
    throw new TidemarkError(
      'schema-unusable',
      `The schema ${schema} holds tables of an earlier Tidemark, but not all of them (${missing.join(', ')} is missing or ` +
        'has other columns). Restore them from a backup, or rename what is left of them.',
    )
  }
  return { schema, foreign: names.filter((name) => name !== theirMigration) }
}
