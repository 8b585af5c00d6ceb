import type { Step } from './steps.ts'
import type { Storage } from './storage/storage.ts'
import type { StoredRow } from './storage/tables.ts'

/** What the disk has made of stored rows. */
export class Damages {
  readonly #made: { row: StoredRow; release: () => void }[] = []

  make({ tables }: Storage, { document: name, source, number }: Extract<Step, { does: 'damage' }>): void {
    const document = tables.documents.get(name)
    const rows = source === 'update' ? document?.updates : document?.snapshots
    if (!document || !rows || rows.size === 0) return
    const [revision, row] = [...rows][number % rows.size]!
    // one decodes, and brings nothing
    row.bytes = number % 2 === 0 ? Uint8Array.of(9, 9, 9, 9) : Uint8Array.of(0, 0)
    row.wasDamaged = true
    this.#made.push({ row, release: () => document.quarantine.delete(`${source} ${revision}`) })
  }

  /** As the operator's guide says: each row is put right and taken out of quarantine. */
  repair(): void {
    for (const { row, release } of this.#made.splice(0)) {
      row.bytes = row.committed
      release()
    }
  }
}
