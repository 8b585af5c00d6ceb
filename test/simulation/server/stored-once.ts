import * as Y from 'yjs'
import type { SimulatedProcess } from './process.ts'
import type { StoredDocument } from './storage/tables.ts'

/** [R7.12] While one process alone writes to a document, no update is stored twice. */
export class StoredOnce {
  readonly #writing = new Map<string, { process: SimulatedProcess | null; head: number; rows: Set<string> }>()
  readonly #complain: (what: string) => void

  constructor(complain: (what: string) => void) {
    this.#complain = complain
  }

  /** A commit of `process` has run. */
  look({ name, head, updates }: StoredDocument, process: SimulatedProcess): void {
    const before = this.#writing.get(name)
    if (before?.head === head) return
    const rows = before?.process === process ? before.rows : new Set<string>()
    for (let revision = (before?.head ?? 0) + 1; revision <= head; revision++) {
      const row = Buffer.from(updates.get(revision)?.committed ?? []).toString('latin1')
      if (rows.has(row) && !isIncomplete(updates, revision)) {
        this.#complain(`[R7.12] revision ${revision} of ${name} was stored before`)
      }
      rows.add(row)
    }
    this.#writing.set(name, { process, head, rows })
  }

  /** What was lost is stored again. */
  rewound(documents: Iterable<StoredDocument>): void {
    for (const { name, head } of documents) this.#writing.set(name, { process: null, head, rows: new Set() })
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
