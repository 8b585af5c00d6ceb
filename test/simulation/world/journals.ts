import type { World } from '@tidemark/client/testing'
import { Coverage } from './coverage.ts'
import { type DocumentName, documents } from './steps.ts'

interface Row {
  readonly update: Uint8Array
  readonly token: string
}

interface Committed {
  readonly coverage: Coverage
  seen: number
  fresh: Row[]
}

/** Everything that was ever committed, also in histories that were reset. */
export class Journals {
  readonly #server: World['server']
  readonly #committed = new Map<DocumentName, Committed>()

  constructor(server: World['server']) {
    this.#server = server
    for (const name of documents) this.#committed.set(name, { coverage: new Coverage(), seen: 0, fresh: [] })
  }

  /** Takes note of what was committed since the last time. */
  look(): void {
    for (const [name, committed] of this.#committed) {
      const rows = this.#server.journal(name)
      const tokens = this.#server.writers(name)
      for (; committed.seen < rows.length; committed.seen++) {
        const update = rows[committed.seen]!
        committed.coverage.add(update)
        committed.fresh.push({ update, token: tokens[committed.seen] ?? '' })
      }
    }
  }

  /** What was committed since this was last asked. */
  fresh(name: DocumentName): readonly Row[] {
    const committed = this.#committed.get(name)!
    const { fresh } = committed
    committed.fresh = []
    return fresh
  }

  /** The document's journal begins anew. */
  begin(name: DocumentName): void {
    this.#committed.get(name)!.seen = 0
  }

  holds(name: DocumentName, units: readonly string[]): boolean {
    return this.#committed.get(name)!.coverage.holds(units)
  }
}
