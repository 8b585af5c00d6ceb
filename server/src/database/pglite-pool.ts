import { PGlite } from '@electric-sql/pglite'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'

type Client = Pick<PostgresPoolClient, 'release'> & {
  query<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>
}

/**
 * PGlite behind the pool interface that Kysely and the journal use, so that both databases have one code path.
 * PGlite is one connection: whoever holds the client has the database, and the others wait in line.
 * (PGlite ships a `node-postgres` adapter; in 0.5.16 an error in a query with parameters breaks its connection.)
 */
export class PglitePool {
  readonly options: object = {}
  readonly #lite: PGlite
  #last: Promise<void> = Promise.resolve()
  #ended = false

  constructor(lite: PGlite) {
    this.#lite = lite
  }

  static async open(folder: string): Promise<PglitePool> {
    return new PglitePool(await PGlite.create(folder))
  }

  async connect(): Promise<Client> {
    if (this.#ended) throw new Error('the database is closed')
    const before = this.#last
    let free = (): void => {}
    this.#last = new Promise((resolve) => {
      free = resolve
    })
    await before
    return { release: free, query: (sql, parameters) => this.#query(sql, parameters) }
  }

  async #query<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    const result = await this.#lite.query<Row>(sql, [...parameters])
    const command = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? 'SELECT'
    return {
      command: command as PostgresQueryResult<Row>['command'],
      rowCount: result.affectedRows ?? result.rows.length,
      rows: result.rows,
    }
  }

  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#last
    await this.#lite.close()
  }
}

/** The cast stands here once: Kysely's interface also has cursors, which neither we nor PGlite use. */
export const asKyselyPool = (pool: PglitePool): PostgresPool => pool as unknown as PostgresPool
