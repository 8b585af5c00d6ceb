import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { History, Loaded, LocalStore, StoreEvents } from './local-store.ts'

interface Shelf {
  readonly updates: Uint8Array[]
  readonly quarantine: Uint8Array[]
  pending: number
  history: History | null
}

/** What memory stores keep, for as long as the page lives: a document that is closed and opened again is as it was. */
export class MemoryShelves {
  readonly #shelves = new Map<string, Shelf>()

  get(name: string): Shelf {
    let shelf = this.#shelves.get(name)
    if (!shelf) this.#shelves.set(name, (shelf = { updates: [], quarantine: [], pending: 0, history: null }))
    return shelf
  }

  pendingCount(name: string): number {
    return this.#shelves.get(name)?.pending ?? 0
  }

  delete(name: string): void {
    this.#shelves.delete(name)
  }
}

/** The store of last resort: where IndexedDB is missing or broken, or not wanted (R2.3). */
export class MemoryStore implements LocalStore {
  readonly kind = 'memory'
  readonly #doc: Y.Doc
  readonly #shelf: Shelf
  readonly #events: StoreEvents
  #inherited = 0
  #newest = 0
  #acknowledged = 0
  #closed = false

  constructor(name: string, doc: Y.Doc, shelves: MemoryShelves, events: StoreEvents) {
    this.#doc = doc
    this.#shelf = shelves.get(name)
    this.#events = events
    this.#inherited = this.#shelf.pending
  }

  load(): Promise<Loaded> {
    const { updates, quarantine, history } = this.#shelf
    const corrupt: Uint8Array[] = []
    Y.transact(
      this.#doc,
      () => {
        for (const update of updates) {
          try {
            Y.applyUpdate(this.#doc, update, this)
          } catch {
            corrupt.push(update)
          }
        }
      },
      this,
      false,
    )
    for (const update of corrupt) {
      updates.splice(updates.indexOf(update), 1)
      quarantine.push(update)
    }
    if (corrupt.length > 0) this.#events.failed(new TidemarkError('local-storage-corrupt'))
    return Promise.resolve({ inherited: this.#inherited, history })
  }

  append(update: Uint8Array, position: number | null): Promise<void> {
    if (this.#closed) return Promise.reject(new TidemarkError('document-closed'))
    this.#shelf.updates.push(update)
    if (position !== null) this.#newest = Math.max(this.#newest, position)
    this.#count()
    return Promise.resolve()
  }

  acknowledge(position: number): Promise<void> {
    this.#acknowledged = Math.max(this.#acknowledged, position)
    this.#inherited = 0
    this.#count()
    return Promise.resolve()
  }

  remember(history: History): Promise<void> {
    this.#shelf.history = history
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (!this.#closed && this.#shelf.updates.length > 1) {
      // only one opening at a time uses a shelf, so its whole content may become one update
      this.#shelf.updates.splice(0, this.#shelf.updates.length, Y.mergeUpdates(this.#shelf.updates))
    }
    this.#closed = true
    return Promise.resolve()
  }

  #count(): void {
    this.#shelf.pending = this.#inherited + Math.max(0, this.#newest - this.#acknowledged)
  }
}
