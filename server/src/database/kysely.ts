import { Kysely, PostgresDialect, type PostgresPool, type PostgresQueryResult, WithSchemaPlugin } from 'kysely'
import type { Lease } from './database.ts'
import type { Schema } from './schema.ts'
import { ownSchema } from './tables.ts'

/** Kysely over either database. What it calls a pool also has cursors, which we do not use, so the cast stands here. */
export function kyselyOver(connect: () => Promise<Lease>): Kysely<Schema> {
  const pool = {
    options: {},
    async connect() {
      const lease = await connect()
      return {
        release: () => lease.release(),
        async query<Row>(text: string, values: readonly unknown[]) {
          const { rows, rowCount } = await lease.query<Row>(text, values)
          const command = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'SELECT'
          return { command: command as PostgresQueryResult<Row>['command'], rowCount: rowCount ?? rows.length, rows }
        },
      }
    },
    // whoever opened the database closes it
    end: async () => {},
  }
  return new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }),
    plugins: [new WithSchemaPlugin(ownSchema)],
  })
}
