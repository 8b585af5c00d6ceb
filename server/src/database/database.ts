import type { Kysely } from 'kysely'
import { kyselyOver } from './kysely.ts'
import { migrate } from './migrate.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'
import type { Schema } from './schema.ts'

export interface Statement {
  /** Lets Postgres prepare it once for each connection, where connections are not shared. */
  readonly name: string
  readonly text: string
}

/** Runs statements. int8 comes back as number, bytea as Uint8Array, timestamptz as Date, on both databases. */
export interface Runner {
  /**
   * Runs one statement, as its own transaction, within limits of time that the database keeps itself: when it fails here, it
   * does not go on there.
   */
  run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>
}

/** How long a statement may work: `brief` while others wait for it, `patient` when it holds up nobody. */
export type Pace = 'brief' | 'patient'

/** The journal's own way to the database; what is `brief` never waits for what is `patient`. */
export interface Writer extends Runner {
  run<Row>(statement: Statement, values: readonly unknown[], pace?: Pace): Promise<Row[]>
}

/** One SQL for both: Postgres by `DATABASE_URL`, or PGlite in this process. */
export interface Database extends Runner {
  readonly kind: 'postgres' | 'pglite'
  readonly kysely: Kysely<Schema>
  /** The journal's own way to the database: however many others wait, it does not wait for them. */
  readonly writer: Writer
  /** For small questions that must not wait for anybody: of one second at most. */
  readonly questions: Runner
  /** Why edits cannot be stored now, as far as the database says; empty when they can. It holds nothing up. */
  troubles(): Promise<string[]>
  close(): Promise<void>
}

export type DatabasePlace = { databaseUrl: string } | { dataFolder: string }

/**
 * Opens the database and brings its schema up to date.
 * @throws {TidemarkError} `data-folder-in-use`, `schema-too-new` or `schema-unusable`; the driver's error when it cannot be
 * reached
 */
export async function openDatabase(place: DatabasePlace, onIdleError: (error: Error) => void): Promise<Database> {
  const { connect, ...rest } =
    'databaseUrl' in place ? openPostgres(place.databaseUrl, onIdleError) : await openPglite(place.dataFolder)
  const database: Database = { ...rest, kysely: kyselyOver(connect) }
  try {
    await migrate(database.kysely as Kysely<unknown>)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** What each kind of database brings; the rest is the same for both. */
export type Driver = Omit<Database, 'kysely'> & { connect: () => Promise<Lease> }

/** A connection for as long as somebody holds it: for transactions, and for Kysely. */
export interface Lease {
  query<Row>(text: string, values: readonly unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>
  release(): void
}
