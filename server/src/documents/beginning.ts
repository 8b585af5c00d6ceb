import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import { type LoadedState, loadApart, loadOrigin, type RowQuarantined, readable } from './load.ts'
import type { OpenDocument } from './open-document.ts'
import { find, findOrCreate, type StoredDocument } from './store.ts'

/** What a reader finds under a name that nothing is stored under. */
export const nothingStored = (name: string): LoadedState => ({
  stored: { id: 0, name, epoch: '', head: 0, snapshot: null, quarantined: [] },
  tail: { rows: 0, bytes: 0 },
  missing: new Set(),
})

export interface BeginningParts {
  database: Database
  quarantined(documentName: string, error: RowQuarantined): void
  /** The document has a row and an epoch from now on; its content, if another process has written some, follows. */
  begun(open: OpenDocument): void
}

/**
 * The beginnings of documents (S11). A reader's opening makes no row; the first who may write makes one, while readers are
 * there, and finds what another process has stored meanwhile.
 */
export class Beginnings {
  readonly #parts: BeginningParts
  readonly #underWay = new Map<OpenDocument, Promise<void>>()

  constructor(parts: BeginningParts) {
    this.#parts = parts
  }

  /** @throws {TidemarkError} `storage-unavailable` */
  find(name: string, mayCreate: boolean): Promise<StoredDocument | null> {
    const { database } = this.#parts
    return readable(mayCreate ? findOrCreate(database, name) : find(database, name))
  }

  /** Somebody comes to an open document: who may write makes its row. */
  async come(open: OpenDocument, mayCreate: boolean): Promise<void> {
    while (!open.line.isStored) {
      const earlier = this.#underWay.get(open)
      if (earlier) {
        await earlier
        // a reader was looking
        if (open.line.isStored || !mayCreate) return
        continue
      }
      const beginning = this.#begin(open, mayCreate).finally(() => this.#underWay.delete(open))
      this.#underWay.set(open, beginning)
      await beginning
      return
    }
  }

  async #begin(open: OpenDocument, mayCreate: boolean): Promise<void> {
    const { database, quarantined, begun } = this.#parts
    const { document, line, snapshot, size, missing } = open
    if ((await this.find(document.name, mayCreate)) === null) return
    const { state, stored } = await loadApart(database, document.name, size.memory, (error) =>
      quarantined(document.name, error),
    )
    try {
      if (document.isDestroyed) throw new TidemarkError('connection-lost')
      line.begin({ id: stored.stored.id, epoch: stored.stored.epoch, revision: stored.stored.head })
      snapshot.size = stored.stored.snapshot?.size ?? 0
      Object.assign(snapshot.tail, stored.tail)
      for (const revision of stored.missing) missing.add(revision)
      size.grow(snapshot.size + snapshot.tail.bytes)
      begun(open)
      Y.applyUpdate(document, Y.encodeStateAsUpdate(state), loadOrigin)
    } finally {
      state.destroy()
    }
  }
}
