import { TidemarkError } from '@tidemark/shared'
import type { Runner, Statement } from './database.ts'
import { newestMigration } from './migrate.ts'

const newest = {
  name: 'tidemark-newest-migration',
  text: 'select max(name) as name from tidemark_store.migrations',
}

/** A newer server may change the schema while this one runs: what is older than this is looked at again. */
const freshMs = 1_000

/**
 * Looks at the schema before a statement, at most once in a second, on the very connection that the statement then takes:
 * an older server must not go on writing into a newer schema (R7.3).
 */
export class SchemaGuard {
  #lookedAt = Number.NEGATIVE_INFINITY

  guard(runner: Runner): Runner {
    return {
      run: async <Row>(statement: Statement, values: readonly unknown[]) => {
        if (performance.now() - this.#lookedAt > freshMs) await this.#look(runner)
        return runner.run<Row>(statement, values)
      },
    }
  }

  async #look(runner: Runner): Promise<void> {
    const started = performance.now()
    const [row] = await runner.run<{ name: string | null }>(newest, [])
    if (row?.name && row.name > newestMigration) {
      throw new TidemarkError(
        'schema-too-new',
        `A newer Tidemark has changed the database (${row.name}) while this server ran. Stop it; nothing more is stored by it.`,
      )
    }
    this.#lookedAt = started
  }
}
