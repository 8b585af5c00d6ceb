import type { Runner } from './database.ts'
import { sqlState } from './failures.ts'
import { newestMigration } from './migrate.ts'

const statement = {
  name: 'tidemark-troubles',
  text: `
    select pg_catalog.pg_is_in_recovery() as standby,
      current_setting('transaction_read_only') = 'on' as read_only,
      (select max(name) from tidemark_store.migrations) as newest,
      has_table_privilege('tidemark_store.updates', 'insert') and has_table_privilege('tidemark_store.documents', 'update') as may_write`,
}

/** Asks a Postgres why edits cannot be stored there now. @returns sentences for an administrator */
export async function askTroubles(database: Runner): Promise<string[]> {
  let row: { standby: boolean; read_only: boolean; newest: string | null; may_write: boolean } | undefined
  try {
    row = (await database.run<NonNullable<typeof row>>(statement, []))[0]
  } catch (error) {
    const state = sqlState(error)
    if (state === '42P01' || state === '3F000') return ['the tables of Tidemark are not in the database']
    return ['the database is away']
  }
  const troubles: string[] = []
  if (row?.standby) troubles.push('the database is a standby: it takes no writes')
  else if (row?.read_only) troubles.push('the database is read-only')
  if (row && !row.may_write) troubles.push('the database user may not write to the tables of Tidemark')
  if (row?.newest && row.newest > newestMigration)
    troubles.push('a newer Tidemark has changed the schema: stop this server')
  return troubles
}
