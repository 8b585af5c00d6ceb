/** A stored row; `committed` is what was once committed, whatever the disk makes of it. */
export interface StoredRow {
  bytes: Uint8Array
  readonly committed: Uint8Array
  readonly crc: number | null
  /** The disk made something else of it at some time. */
  wasDamaged?: true
}

export interface SnapshotRow extends StoredRow {
  /** Revisions that it does not hold, as a list. */
  readonly missing: string
}

export interface JournalRow extends StoredRow {
  readonly author: string | null
  /** When it was committed; no two transactions have the same. */
  readonly stamp: number
}

export interface StoredDocument {
  readonly id: number
  readonly name: string
  readonly epoch: string
  head: number
  readonly updates: Map<number, JournalRow>
  readonly snapshots: Map<number, SnapshotRow>
  /** `update 3`, `snapshot 7` */
  readonly quarantine: Set<string>
}

/** What a database holds, and how it came there: the newest commits can be lost, as with a standby that lagged behind. */
export class Tables {
  readonly documents = new Map<string, StoredDocument>()
  wasRewound = false
  #ids = 0
  /** How to take each commit back, the newest last. */
  #undo: (() => void)[] = []

  byId(id: number): StoredDocument | undefined {
    for (const document of this.documents.values()) if (document.id === id) return document
    return undefined
  }

  create(name: string): StoredDocument {
    const id = ++this.#ids
    const epoch = `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`
    const document = {
      id,
      name,
      epoch,
      head: 0,
      updates: new Map(),
      snapshots: new Map(),
      quarantine: new Set<string>(),
    }
    this.documents.set(name, document)
    return document
  }

  /** One transaction's changes, each with the way back. */
  commit(changes: readonly { readonly act: () => void; readonly undo: () => void }[]): void {
    for (const { act } of changes) act()
    const undone = [...changes].reverse()
    this.#undo.push(() => {
      for (const { undo } of undone) undo()
    })
  }

  /** The newest `commits` never happened. */
  rewind(commits: number): void {
    this.wasRewound = true
    for (const undo of this.#undo.splice(Math.max(0, this.#undo.length - commits)).reverse()) undo()
  }

  append(document: StoredDocument, rows: readonly JournalRow[]): void {
    const base = document.head
    this.commit([
      {
        act: () => {
          for (const [index, row] of rows.entries()) document.updates.set(base + index + 1, row)
          document.head = base + rows.length
        },
        undo: () => {
          for (const [index] of rows.entries()) document.updates.delete(base + index + 1)
          document.head = base
        },
      },
    ])
  }

  saveSnapshot(document: StoredDocument, revision: number, row: SnapshotRow): void {
    if (document.snapshots.has(revision)) return
    this.commit([
      {
        act: () => document.snapshots.set(revision, row),
        undo: () => document.snapshots.delete(revision),
      },
    ])
  }

  dropSnapshots(document: StoredDocument, isOld: (revision: number) => boolean): void {
    const dropped = [...document.snapshots].filter(([revision]) => isOld(revision))
    if (dropped.length === 0) return
    this.commit([
      {
        act: () => {
          for (const [revision] of dropped) document.snapshots.delete(revision)
        },
        undo: () => {
          for (const [revision, row] of dropped) document.snapshots.set(revision, row)
        },
      },
    ])
  }
}
