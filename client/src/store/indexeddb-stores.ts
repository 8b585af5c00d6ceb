import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { pendingIn } from './dirty-mark.ts'
import type { CacheLimits } from './eviction.ts'
import {
  completionOf,
  customStore,
  deleteDatabase,
  hasIndexeddb,
  listDatabases,
  openExisting,
  updatesStore,
} from './idb.ts'
import { IndexeddbStore, type IndexeddbStoreMeans } from './indexeddb-store.ts'
import type { LocalStore, LocalStores, SetAsideCopy, StoreEvents } from './local-store.ts'
import { databaseName, parseDatabaseName } from './names.ts'
import { inSlices } from './pace.ts'
import { setAsideKey } from './records.ts'
import { applyInSlices, type Contents, readContents } from './rows.ts'
import { openRows } from './seals.ts'

export interface IndexeddbStoresMeans extends Omit<IndexeddbStoreMeans, 'onEdit'> {
  /** Copies that the server has, too, are deleted beyond these limits. Default 20 MB and 7 days. */
  readonly cache?: Partial<CacheLimits> | undefined
  /** Asks the browser to keep what is stored here. */
  readonly persist?: (() => Promise<boolean>) | undefined
}

const defaultLimits: CacheLimits = { maxBytes: 20_000_000, maxAge: 7 * 24 * 3_600_000 }
const evictionDelay = { first: 30_000, next: 3_600_000 } as const

/** The copies that one namespace keeps in IndexedDB: a database for each, in y-indexeddb's format. */
export class IndexeddbStores implements LocalStores {
  readonly kind = 'indexeddb'
  readonly #means: IndexeddbStoresMeans
  /** Documents opened here; where the browser cannot list databases, or they have no prefix, these count. */
  readonly #opened = new Set<string>()
  #hasAskedToKeep = false
  #isClosed = false
  #cancelEviction: (() => void) | null = null

  constructor(means: IndexeddbStoresMeans) {
    this.#means = means
  }

  open(document: string, doc: Y.Doc, opening: string, events: StoreEvents): LocalStore {
    this.#opened.add(document)
    // reading the property alone may throw, where a browser forbids storage to a page
    try {
      if (!globalThis.indexedDB) throw new Error('there is no IndexedDB here')
      const store = new IndexeddbStore(
        { document, doc, opening },
        { ...this.#means, onEdit: () => this.#askToKeep() },
        events,
      )
      if (!this.#cancelEviction) this.#evictAfter(evictionDelay.first)
      return store
    } catch (cause) {
      throw new TidemarkError('local-storage-unavailable', undefined, { cause })
    }
  }

  async documents(): Promise<string[]> {
    const names = new Set(this.#opened)
    // without a prefix every app's databases would seem to be documents
    const databases = this.#means.namespace === '' ? [] : await listDatabases()
    for (const name of databases ?? []) {
      const copy = parseDatabaseName(this.#means.namespace, name)
      if (copy) names.add(copy.document)
    }
    return [...names]
  }

  async pendingCount(document: string): Promise<number> {
    const newest = (await this.#copiesOf(document)).at(-1)
    return newest && !newest.contents.setAside ? pendingIn(newest.contents.marks.values()) : 0
  }

  async delete(document: string): Promise<void> {
    if (hasIndexeddb()) {
      const generations = new Set((await this.#copiesOf(document)).map(({ generation }) => generation))
      for (const name of (await listDatabases()) ?? []) {
        const copy = parseDatabaseName(this.#means.namespace, name)
        if (copy?.document === document) generations.add(copy.generation)
      }
      // The newest first: were this interrupted, a copy that is left must not be found behind a new one.
      for (const generation of [...generations].sort((a, b) => b - a)) {
        await deleteDatabase(databaseName(this.#means.namespace, document, generation))
      }
    }
    this.#opened.delete(document)
  }

  async setAsideCopies(): Promise<SetAsideCopy[]> {
    const found: SetAsideCopy[] = []
    for (const document of await this.documents()) {
      for (const { name, contents } of await this.#copiesOf(document)) {
        if (!contents.setAside || (contents.rows.length === 0 && !contents.hasQuarantine)) continue
        const { reason, at } = contents.setAside
        found.push({ id: name, document, reason, at, pendingCount: pendingIn(contents.marks.values()) })
      }
    }
    return found
  }

  async readSetAside(id: string): Promise<Y.Doc> {
    const database = await this.#openSetAside(id)
    try {
      const doc = new Y.Doc()
      const seals = this.#means.seals?.(id) ?? null
      const { opened } = await openRows(seals, (await readContents(database)).rows)
      await applyInSlices(doc, opened, this, inSlices())
      return doc
    } finally {
      database.close()
    }
  }

  /** What is behind it stays to be found: the record of where to go on is kept. */
  async dropSetAside(id: string): Promise<void> {
    const database = await this.#openSetAside(id)
    try {
      const transaction = database.transaction([updatesStore, customStore], 'readwrite')
      transaction.objectStore(updatesStore).clear()
      const custom = transaction.objectStore(customStore)
      const keys = custom.getAllKeys()
      keys.onsuccess = () => {
        for (const key of keys.result) if (key !== setAsideKey) custom.delete(key)
      }
      await completionOf(transaction)
    } finally {
      database.close()
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#cancelEviction?.()
    return Promise.resolve()
  }

  /** When there is something to keep, and not before: some browsers ask the person (D2.5). */
  #askToKeep(): void {
    if (this.#hasAskedToKeep) return
    this.#hasAskedToKeep = true
    // what the browser answers changes nothing here
    ;(this.#means.persist ?? persistStorage)().catch(() => {})
  }

  #evictAfter(delay: number): void {
    const { namespace, clock, tabs, cache } = this.#means
    const locks = tabs?.locks
    // without locks nobody can tell which copies are open
    if (!locks || this.#isClosed) return
    this.#cancelEviction = clock.after(delay, () => {
      import('./eviction.ts')
        .then(({ evict }) => evict({ namespace, clock, locks, limits: { ...defaultLimits, ...cache } }))
        // it costs space, and is tried again
        .catch(() => {})
        .finally(() => this.#evictAfter(evictionDelay.next))
    })
  }

  /** @throws {TidemarkError} `not-found` */
  async #openSetAside(id: string): Promise<IDBDatabase> {
    const database = hasIndexeddb() && parseDatabaseName(this.#means.namespace, id) ? await openExisting(id) : null
    if (database && (await readContents(database)).setAside) return database
    database?.close()
    throw new TidemarkError('not-found')
  }

  /** A document's copies, the newest last. */
  async #copiesOf(document: string): Promise<{ name: string; generation: number; contents: Contents }[]> {
    const copies: { name: string; generation: number; contents: Contents }[] = []
    if (!hasIndexeddb()) return copies
    let generation: number | undefined = 0
    while (generation !== undefined) {
      const name = databaseName(this.#means.namespace, document, generation)
      const database = await openExisting(name)
      if (!database) break
      try {
        const contents = await readContents(database)
        copies.push({ name, generation, contents })
        generation = contents.setAside?.next
      } finally {
        database.close()
      }
    }
    return copies
  }
}

async function persistStorage(): Promise<boolean> {
  return (await globalThis.navigator?.storage?.persist?.()) ?? false
}
