import { Kysely, PostgresDialect, type PostgresPool, WithSchemaPlugin } from 'kysely'
import pg from 'pg'
import { lockFolder } from './folder-lock.ts'
import { migrate } from './migrate.ts'
import { asKyselyPool, PglitePool } from './pglite-pool.ts'
import type { Schema } from './schema.ts'
import { ownSchema } from './tables.ts'

/** One SQL for both: Postgres by `DATABASE_URL`, or PGlite in this process. */
export interface Database {
  readonly kind: 'postgres' | 'pglite'
  readonly kysely: Kysely<Schema>
  /**
   * Runs one statement, as its own transaction. `name` makes Postgres prepare it once for each connection.
   * int8 comes back as number, bytea as Uint8Array, timestamptz as Date, on both databases.
   */
  run<Row>(statement: { name: string; text: string }, values: readonly unknown[]): Promise<Row[]>
  close(): Promise<void>
}

export type DatabasePlace = { databaseUrl: string } | { dataFolder: string }

/**
 * Opens the database and brings its schema up to date.
 * @throws {TidemarkError} `data-folder-in-use`, `schema-too-new` or `schema-unusable`; the driver's error when it cannot be reached
 */
export async function openDatabase(place: DatabasePlace, onIdleError: (error: Error) => void): Promise<Database> {
  const database =
    'databaseUrl' in place ? openPostgres(place.databaseUrl, onIdleError) : await openPglite(place.dataFolder)
  try {
    await migrate(database.kysely as unknown as Kysely<unknown>)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

const int8 = 20

function openPostgres(connectionString: string, onIdleError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    application_name: 'tidemark',
    connectionTimeoutMillis: 5_000,
    // a new connection costs a person who opens a document tens of milliseconds
    idleTimeoutMillis: 300_000,
    // A statement whose server vanished must not hold the journal's writer for ever; it is tried again.
    query_timeout: 15_000,
    keepAlive: true,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === int8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text'),
    },
  })
  // Without a listener, an idle connection that Postgres closes would end the process.
  pool.on('error', onIdleError)
  const kysely = kyselyOver(pool as unknown as PostgresPool)
  return {
    kind: 'postgres',
    kysely,
    async run<Row>(statement: { name: string; text: string }, values: readonly unknown[]) {
      const result = await pool.query({ name: statement.name, text: statement.text, values: [...values] })
      return result.rows as Row[]
    },
    close: once(() => pool.end()),
  }
}

async function openPglite(folder: string): Promise<Database> {
  const unlock = lockFolder(folder)
  let pool: PglitePool
  try {
    pool = await PglitePool.open(`${folder}/pglite`)
  } catch (error) {
    unlock()
    throw error
  }
  const kysely = kyselyOver(asKyselyPool(pool))
  return {
    kind: 'pglite',
    kysely,
    async run<Row>(statement: { name: string; text: string }, values: readonly unknown[]) {
      const client = await pool.connect()
      try {
        return (await client.query<Row>(statement.text, values)).rows
      } finally {
        client.release()
      }
    },
    close: once(async () => {
      await pool.end()
      unlock()
    }),
  }
}

const kyselyOver = (pool: PostgresPool): Kysely<Schema> =>
  new Kysely<Schema>({ dialect: new PostgresDialect({ pool }), plugins: [new WithSchemaPlugin(ownSchema)] })

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= action())
}
