import type { World } from '@tidemark/client/testing'
import { Coverage } from './coverage.ts'
import { type DocumentName, documents } from './steps.ts'

/** Everything that was ever committed, also in histories that were reset. */
export class Journals {
  readonly #server: World['server']
  readonly #committed = new Map<DocumentName, { coverage: Coverage; seen: number }>()

  constructor(server: World['server']) {
    this.#server = server
    for (const name of documents) this.#committed.set(name, { coverage: new Coverage(), seen: 0 })
  }

  /** Takes note of what was committed since the last time. */
  look(): void {
    for (const [name, committed] of this.#committed) {
      const rows = this.#server.journal(name)
      for (; committed.seen < rows.length; committed.seen++) committed.coverage.add(rows[committed.seen]!)
    }
  }

  /** The document's journal begins anew. */
  begin(name: DocumentName): void {
    this.#committed.get(name)!.seen = 0
  }

  holds(name: DocumentName, units: readonly string[]): boolean {
    return this.#committed.get(name)!.coverage.holds(units)
  }
}
