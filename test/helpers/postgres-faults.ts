import pg from 'pg'
import { query } from './postgres.ts'

/** Ends every connection to the database but the one that asks. @returns how many there were */
export async function endConnections(databaseUrl: string): Promise<number> {
  const rows = await query(
    databaseUrl,
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  return rows.length
}

/** As after a failover to a standby: sessions that begin from now on may only read. */
export async function setReadOnly(databaseUrl: string, isReadOnly: boolean): Promise<void> {
  const { pathname, href } = new URL(databaseUrl)
  const name = pathname.slice(1)
  const admin = href.replace(pathname, '/postgres')
  const setting = 'default_transaction_read_only'
  await query(admin, `alter database ${pg.escapeIdentifier(name)} set ${setting} = ${isReadOnly ? 'on' : 'off'}`)
}

/** Statements that wait for a lock. */
export async function waitingStatements(databaseUrl: string): Promise<number> {
  const [row] = await query<{ count: string }>(
    databaseUrl,
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  )
  return Number(row?.count)
}

export interface HeldLock extends AsyncDisposable {
  release(): Promise<void>
}

/** Takes a lock in a transaction that stays open until it is released. */
export async function holdLock(databaseUrl: string, sql: string, values: unknown[] = []): Promise<HeldLock> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query(sql, values)
  let released: Promise<void> | null = null
  const release = () => (released ??= client.end())
  return { release, [Symbol.asyncDispose]: release }
}
