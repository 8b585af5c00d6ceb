import { TidemarkError } from '@tidemark/shared'
import type * as Y from 'yjs'
import { loadPart } from '../load-part.ts'
import { type Log, logEntry } from '../log.ts'
import { copiesOf } from './copies.ts'
import type { CacheLimits } from './eviction.ts'
import { hasIndexeddb, listDatabases, writeError } from './idb.ts'
import { IndexeddbStore } from './indexeddb-store.ts'
import type { CopyOwner, LocalStore, LocalStores, SetAsideCopy, StoreEvents } from './local-store.ts'
import { databaseName, parseDatabaseName } from './names.ts'
import { whileAnswering } from './opening.ts'
import { pendingOf } from './records.ts'
import type { IndexeddbStoreMeans } from './store-means.ts'
import { wipe } from './wipe.ts'

export interface IndexeddbStoresMeans extends Omit<IndexeddbStoreMeans, 'onEdit'> {
  /** Copies that the server has, too, are deleted beyond these limits. Default 20 MB and 7 days. */
  readonly cache?: Partial<CacheLimits> | undefined
  /** Asks the browser to keep what is stored here. */
  readonly persist?: (() => Promise<boolean>) | undefined
  readonly log?: Log | undefined
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
      this.#lookAfter()
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
    if (!hasIndexeddb()) return 0
    const newest = (await copiesOf(this.#means, document)).at(-1)?.records
    return newest && !newest.setAside ? pendingOf(newest) : 0
  }

  async setAsideCount(document: string): Promise<number> {
    if (!hasIndexeddb()) return 0
    const copies = await copiesOf(this.#means, document)
    return copies.reduce((count, { records }) => count + (records.setAside ? pendingOf(records) : 0), 0)
  }

  async delete(document: string, signal: AbortSignal): Promise<void> {
    if (hasIndexeddb()) {
      const { namespace } = this.#means
      const generations = new Set((await copiesOf(this.#means, document)).map(({ generation }) => generation))
      for (const name of (await listDatabases()) ?? []) {
        const copy = parseDatabaseName(namespace, name)
        if (copy?.document === document) generations.add(copy.generation)
      }
      // The newest first: were this interrupted, a copy that is left must not be found behind a new one.
      const newestFirst = [...generations].sort((a, b) => b - a)
      await wipe(
        this.#means.clock,
        newestFirst.map((generation) => databaseName(namespace, document, generation)),
        signal,
      )
    }
    this.#opened.delete(document)
  }

  async setAsideCopies(): Promise<SetAsideCopy[]> {
    if (!hasIndexeddb()) return []
    const { setAsideCopies } = await loadPart(() => import('./set-aside.ts'))
    return this.#whileAnswering(async (onProgress) =>
      setAsideCopies({ ...this.#means, onProgress }, await this.documents()),
    )
  }

  async owners(document: string): Promise<CopyOwner[]> {
    if (!hasIndexeddb()) return []
    // asking for a database that is missing takes a browser much longer than telling that it is
    const names = await listDatabases()
    if (names && !names.includes(databaseName(this.#means.namespace, document))) return []
    const copies = await copiesOf(this.#means, document)
    if (copies.length > 0) this.#lookAfter()
    return copies.flatMap(({ name, records: { marks, account, setAside, isWiped } }) =>
      isWiped ? [] : [{ id: name, marks, account, isSetAside: setAside !== null }],
    )
  }

  async readSetAside(id: string): Promise<Y.Doc> {
    const { applySetAside, readSetAside } = await loadPart(() => import('./set-aside.ts'))
    const contents = await this.#whileAnswering((onProgress) => readSetAside(id, { ...this.#means, onProgress }))
    return applySetAside(id, contents, this.#means)
  }

  async dropSetAside(id: string): Promise<void> {
    const { dropSetAside } = await loadPart(() => import('./set-aside.ts'))
    return this.#whileAnswering(() => dropSetAside(id, this.#means))
  }

  /** @throws {TidemarkError} what the work throws, or `local-storage-failed` */
  async #whileAnswering<Result>(work: (onProgress: () => void) => Promise<Result>): Promise<Result> {
    try {
      return await whileAnswering(this.#means.clock, this.#means.openTimeLimit, work)
    } catch (cause) {
      throw writeError(cause)
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

  /** What is kept here is evicted in its time, opened or not. */
  #lookAfter(): void {
    if (!this.#cancelEviction) this.#evictAfter(evictionDelay.first)
  }

  #evictAfter(delay: number): void {
    const { namespace, clock, tabs, cache } = this.#means
    const locks = tabs?.locks
    // without locks nobody can tell which copies are open
    if (!locks || this.#isClosed) return
    this.#cancelEviction = clock.after(delay, () => {
      loadPart(() => import('./eviction.ts'))
        .then(({ evict }) => evict({ namespace, clock, locks, limits: { ...defaultLimits, ...cache } }))
        // it costs space, and is tried again
        .catch((cause: unknown) => this.#means.log?.(logEntry(writeError(cause), { isHealing: true })))
        .finally(() => this.#evictAfter(evictionDelay.next))
    })
  }
}

async function persistStorage(): Promise<boolean> {
  return (await globalThis.navigator?.storage?.persist?.()) ?? false
}
