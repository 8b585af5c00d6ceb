import type { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { LocalStoreStatus } from '../status/status.ts'
import type { History, Loaded, LocalStore, StoreEvents } from './local-store.ts'
import { MemoryStore } from './memory-store.ts'
import { createStore, type StoreMeans } from './open-store.ts'

export interface LocalCopyEvents extends StoreEvents {
  /** The edit of this position survives the tab. */
  stored(position: number): void
}

/** A document's copy on this device: in the store that was asked for, or in memory when that does not work (R2.3). */
export class LocalCopy {
  readonly #name: string
  readonly #doc: Y.Doc
  readonly #means: StoreMeans
  readonly #events: LocalCopyEvents
  #store: LocalStore
  #memoryReason: TidemarkError | null = null
  #newest = 0

  /** @param name of the database */
  constructor(name: string, doc: Y.Doc, means: StoreMeans, events: LocalCopyEvents) {
    this.#name = name
    this.#doc = doc
    this.#means = means
    this.#events = events
    try {
      this.#store = createStore(name, doc, means, events)
    } catch (error) {
      this.#store = this.#memoryInstead(error as TidemarkError)
    }
  }

  /** The origin of the transaction that brings the stored content. */
  get origin(): unknown {
    return this.#store
  }

  /** Never rejects: what does not open is told, and memory takes its place. */
  async load(): Promise<Loaded & { readonly localStore: LocalStoreStatus }> {
    let loaded: Loaded
    try {
      loaded = await this.#store.load()
    } catch (error) {
      const broken = this.#store
      this.#store = this.#memoryInstead(error as TidemarkError)
      void broken.close()
      loaded = await this.#store.load()
      if (this.#newest > 0) void this.#store.append(Y.encodeStateAsUpdate(this.#doc), this.#newest)
    }
    if (this.#memoryReason) this.#events.failed(this.#memoryReason)
    const localStore: LocalStoreStatus =
      this.#store.kind === 'indexeddb' ? { kind: 'indexeddb' } : { kind: 'memory', reason: this.#memoryReason }
    return { ...loaded, localStore }
  }

  /** @param position of the edit; null for an update that came from the server */
  keep(update: Uint8Array, position: number | null): void {
    if (position !== null) this.#newest = position
    const store = this.#store
    store.append(update, position).then(
      () => {
        // memory does not survive the tab
        if (position !== null && store.kind !== 'memory') this.#events.stored(position)
      },
      // a store that was closed or lost has said so
      () => {},
    )
  }

  acknowledge(position: number): void {
    void this.#store.acknowledge(position)
  }

  remember(history: History): void {
    void this.#store.remember(history)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #memoryInstead(reason: TidemarkError): MemoryStore {
    this.#memoryReason = reason
    return new MemoryStore(this.#name, this.#doc, this.#means.shelves, this.#events)
  }
}
