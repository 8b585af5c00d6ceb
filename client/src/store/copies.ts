import { openExisting, type Patience } from './idb.ts'
import { databaseName } from './names.ts'
import type { Records } from './records.ts'
import { readRecordsOf } from './rows.ts'

/** One of a document's copies, and what stands beside its rows. */
export interface Copy {
  readonly name: string
  readonly generation: number
  readonly records: Records
}

export interface CopiesMeans extends Patience {
  readonly namespace: string
}

/** A document's copies, the newest last. Looking does not make any. */
export async function copiesOf(means: CopiesMeans, document: string): Promise<Copy[]> {
  const copies: Copy[] = []
  for (let generation: number | undefined = 0; generation !== undefined; ) {
    const name = databaseName(means.namespace, document, generation)
    const database = await openExisting(name, means)
    if (!database) break
    try {
      const records = await readRecordsOf(database)
      copies.push({ name, generation, records })
      generation = records.setAside ? Math.max(records.setAside.next, generation + 1) : undefined
    } finally {
      database.close()
    }
  }
  return copies
}
