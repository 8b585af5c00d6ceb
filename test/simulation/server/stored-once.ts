import * as Y from 'yjs'
import type { SimulatedProcess } from './process.ts'
import type { JournalRow, StoredDocument } from './storage/tables.ts'

/** [R7.12] While one process alone writes to a document, no update is stored twice. */
export class StoredOnce {
  readonly #writing = new Map<
    string,
    { process: SimulatedProcess | null; head: number; rows: Map<string, JournalRow> }
  >()
  readonly #mended = new Set<string>()
  readonly #complain: (what: string) => void

  constructor(complain: (what: string) => void) {
    this.#complain = complain
  }

  /** A commit of `process` has run. */
  look({ name, head, updates }: StoredDocument, process: SimulatedProcess): void {
    const before = this.#writing.get(name)
    if (before?.head === head) return
    const rows = before?.process === process ? before.rows : new Map<string, JournalRow>()
    for (let revision = (before?.head ?? 0) + 1; revision <= head; revision++) {
      const row = updates.get(revision)
      if (!row) continue
      const bytes = Buffer.from(row.committed).toString('latin1')
      const earlier = rows.get(bytes)
      if (earlier && !this.#isRight(name, earlier, row) && !isIncomplete(updates, revision)) {
        this.#complain(`[R7.12] revision ${revision} of ${name} was stored before`)
      }
      rows.set(bytes, row)
    }
    this.#writing.set(name, { process, head, rows })
  }

  /** A process stores again all that the database lacks of its document, which repeats what waits behind it. */
  mended(name: string): void {
    this.#mended.add(name)
  }

  /** What was lost is stored again. */
  rewound(documents: Iterable<StoredDocument>): void {
    for (const { name, head } of documents) this.#writing.set(name, { process: null, head, rows: new Map() })
  }

  /** What could not be read is stored again by whoever has it, too. */
  #isRight(name: string, earlier: JournalRow, row: JournalRow): boolean {
    return earlier.wasDamaged === true || (earlier.stamp === row.stamp && this.#mended.has(name))
  }
}

/** What waits for its predecessors is journaled whenever somebody sends it (R1.4). */
function isIncomplete(updates: StoredDocument['updates'], revision: number): boolean {
  const doc = new Y.Doc()
  for (const [other, { committed }] of updates) if (other < revision) Y.applyUpdate(doc, committed)
  const { pendingStructs, pendingDs } = doc.store
  doc.destroy()
  return pendingStructs !== null || pendingDs !== null
}
