import { TidemarkError } from '@tidemark/shared'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { journal } from './migrations/0001-journal.ts'
import type { Schema } from './schema.ts'

/** Forward only (R7.3): a released migration is never edited, the next change is a new entry. */
const migrations: Record<string, Migration> = {
  '0001-journal': journal,
}

/**
 * Brings the schema up to this version, under Kysely's advisory lock, so that many nodes may start at once.
 * @throws {TidemarkError} `schema-too-new` when a newer Tidemark has migrated this database
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  await refuseNewerSchema(db)
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

async function refuseNewerSchema(db: Kysely<Schema>): Promise<void> {
  const known = await sql<{ found: boolean }>`select to_regclass('kysely_migration') is not null as found`.execute(db)
  if (!known.rows[0]?.found) return
  const applied = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  const foreign = applied.rows.filter(({ name }) => !(name in migrations))
  if (foreign.length > 0) {
    throw new TidemarkError(
      'schema-too-new',
      `The database holds migrations this version does not know (${foreign.map(({ name }) => name).join(', ')}): ` +
        'it was written by a newer Tidemark. Start that version, or restore a backup made before the upgrade.',
    )
  }
}
