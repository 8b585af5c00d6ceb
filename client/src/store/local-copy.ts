import type { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { LocalStoreStatus } from '../status/status.ts'
import type {
  Acknowledged,
  CopyFacts,
  History,
  Loaded,
  LocalStore,
  LocalStores,
  SetAside,
  StoreEvents,
} from './local-store.ts'

export interface LocalCopyEvents extends StoreEvents {
  /** The edit of this position survives the tab. */
  stored(position: number): void
}

/** What is opened, and by whom. */
export interface Opening {
  readonly document: string
  readonly doc: Y.Doc
  /** The opening's own name. */
  readonly id: string
}

/** Where a copy is kept, and where instead when that does not work. */
export interface LocalCopyMeans {
  readonly stores: LocalStores
  readonly memory: LocalStores
}

/** A document's copy on this device: in the store that was asked for, or in memory when that does not work (R2.3). */
export class LocalCopy {
  readonly #opening: Opening
  readonly #means: LocalCopyMeans
  readonly #events: LocalCopyEvents
  #store: LocalStore
  #memoryReason: TidemarkError | null = null
  #newest = 0
  #isCaretaker = false
  #account: string | null = null

  constructor(opening: Opening, means: LocalCopyMeans, events: LocalCopyEvents) {
    this.#opening = opening
    this.#means = means
    this.#events = events
    try {
      this.#store = this.#open(means.stores)
    } catch (error) {
      this.#store = this.#memoryInstead(error as TidemarkError)
    }
  }

  /** The origin of the transactions that bring stored content. */
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
      if (this.#account !== null) void this.#store.speakFor(this.#account)
      if (this.#newest > 0) void this.#store.append(Y.encodeStateAsUpdate(this.#opening.doc), this.#newest)
      this.#store.setCaretaker(this.#isCaretaker)
    }
    if (this.#memoryReason) this.#events.failed(this.#memoryReason)
    const localStore: LocalStoreStatus =
      this.#store.kind === 'indexeddb' ? { kind: 'indexeddb' } : { kind: 'memory', reason: this.#memoryReason }
    return { ...loaded, localStore }
  }

  /**
   * @param position of the edit; null for an update that is durable on the server
   * @returns whether it is stored where it survives the tab; settles when that is decided
   */
  keep(update: Uint8Array, position: number | null): Promise<boolean> {
    if (position !== null) this.#newest = position
    const store = this.#store
    return store.append(update, position).then(
      () => {
        // memory does not survive the tab
        if (store.kind === 'memory') return false
        if (position !== null) this.#events.stored(position)
        return true
      },
      // a store that was closed or lost has said so
      () => false,
    )
  }

  acknowledge(acknowledged: Acknowledged): void {
    void this.#store.acknowledge(acknowledged)
  }

  remember(history: History): void {
    void this.#store.remember(history)
  }

  rememberAccount(account: string): void {
    void this.#store.rememberAccount(account)
  }

  speakFor(account: string): void {
    this.#account = account
    void this.#store.speakFor(account)
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#isCaretaker = isCaretaker
    this.#store.setCaretaker(isCaretaker)
  }

  /** @throws {TidemarkError} `document-closed`, `local-storage-unavailable`: it was not written down */
  setAside(why: SetAside): Promise<void> {
    return this.#store.setAside(why)
  }

  /** What the disk says of the copy now. @throws {TidemarkError} `local-storage-failed` */
  facts(): Promise<CopyFacts | null> {
    return this.#store.facts()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #open(stores: LocalStores): LocalStore {
    const { document, doc, id } = this.#opening
    return stores.open(document, doc, id, this.#events)
  }

  #memoryInstead(reason: TidemarkError): LocalStore {
    this.#memoryReason = reason
    return this.#open(this.#means.memory)
  }
}
