import { type Clock, TidemarkError } from '@tidemark/shared'
import type * as Y from 'yjs'
import { loadPart } from '../load-part.ts'
import type { TabWorld } from '../tabs/world.ts'
import { begin, resultOf, updatesStore, writeError } from './idb.ts'
import type { StoreEvents } from './local-store.ts'
import type { Row } from './rows.ts'
import { type Seals, sizeOf } from './seals.ts'
import { onUpdateButStored } from './stored-content.ts'
import { type Size, Upkeep } from './upkeep.ts'

export interface CaretakingMeans {
  readonly clock: Clock
  readonly tabs: Pick<TabWorld, 'locks' | 'page'> | undefined
  readonly doc: Y.Doc
  /** Of the transactions that bring stored content. */
  readonly origin: unknown
  /** Of the database. */
  readonly name: () => string
  /** Null while there is no connection. */
  readonly database: () => IDBDatabase | null
  readonly seals: () => Seals | null
  readonly account: () => string | null
  /** Whether nobody has the copy open who writes in the clear. */
  readonly haveAllTheKey: () => Promise<boolean>
  /** Whether everything that was handed over is written: a snapshot must not hold edits without their mark. */
  readonly isAllWritten: () => boolean
  readonly isClosing: () => boolean
  readonly onCompacted: (bytes: number) => void
  readonly track: (work: Promise<unknown>) => void
  readonly events: Pick<StoreEvents, 'failed' | 'noted' | 'pending' | 'hasUncounted'>
}

/** Knows which rows are in the document, and has them compacted when it is time (D2.1). */
export class Caretaking {
  readonly #means: CaretakingMeans
  readonly #upkeep: Upkeep
  readonly #stopListening: () => void
  /** Rows with smaller keys are in the document. */
  #firstUnknown = 0
  /** Those from there on that this tab has written: they are, too. */
  #ownRows = new Set<number>()

  constructor(means: CaretakingMeans) {
    this.#means = means
    this.#upkeep = new Upkeep({
      clock: means.clock,
      locks: means.tabs?.locks ?? null,
      page: means.tabs?.page ?? null,
      lockName: () => `tidemark:compact:${means.name()}`,
      count: () => resultOf(begin(this.#database(), updatesStore).objectStore(updatesStore).count()),
      compact: () => this.#compact(),
      onFailure: (cause) => means.events.noted?.(writeError(cause)),
    })
    this.#stopListening = onUpdateButStored(means.doc, (_update, origin) => {
      if (origin !== means.origin) this.#upkeep.heard()
    })
  }

  /** @returns how many bytes there are */
  loaded(rows: readonly Row[]): number {
    const sizes = rows.map(({ update }) => sizeOf(update))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    const snapshotBytes = sizes.reduce((most, size) => Math.max(most, size), 0)
    this.#firstUnknown = Number(rows.at(-1)?.key ?? 0) + 1
    const isWasteful = rows.length > 1 && bytes > 2 * snapshotBytes + 65_536
    const seals = this.#means.seals()
    const isCurrent = ({ update }: Row) => seals === null || (seals.isCurrent(update) && !seals.takesClear)
    const isStale = !rows.every(isCurrent)
    this.#upkeep.loaded({ rows: rows.length, snapshotBytes }, isWasteful || isStale)
    return bytes
  }

  wrote(keys: readonly IDBValidKey[]): void {
    for (const key of keys) this.#ownRows.add(Number(key))
  }

  /** Whether a row may be missing in the document. */
  isUnknown(key: number): boolean {
    return key >= this.#firstUnknown && !this.#ownRows.has(key)
  }

  /** The database is another one: nothing is known of its rows. */
  beginAnew(): void {
    this.#firstUnknown = 0
    this.#ownRows = new Set()
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#upkeep.setCaretaker(isCaretaker)
  }

  stop(): void {
    this.#stopListening()
    this.#upkeep.stop()
  }

  #database(): IDBDatabase {
    const database = this.#means.database()
    if (!database) throw new DOMException('there is no connection now', 'InvalidStateError')
    return database
  }

  async #compact(): Promise<Size | null> {
    const { doc, origin, seals, account, haveAllTheKey, isAllWritten, isClosing, events } = this.#means
    const { compact } = await loadPart(() => import('./compaction.ts'))
    const database = this.#database()
    const compacting = compact({
      ...{ database, doc, origin, seals: seals(), account: account(), haveAllTheKey, isClosing },
      firstUnknown: this.#firstUnknown,
      isOwn: (key) => this.#ownRows.has(key),
      pending: () => events.pending?.() ?? new Map(),
      hasUncounted: (marks) => events.hasUncounted?.(marks) ?? false,
      isWanted: () => !isClosing() && this.#means.database() === database && isAllWritten(),
    })
    this.#means.track(compacting.catch(() => {}))
    const result = await compacting
    if (!result) return null
    const { key, rows, bytes, corrupt, tampered } = result
    if (corrupt > 0) events.failed(new TidemarkError('local-storage-corrupt'))
    if (tampered > 0) events.failed(new TidemarkError('local-storage-tampered'))
    this.#firstUnknown = key + 1
    this.#ownRows = new Set([...this.#ownRows].filter((own) => own > key))
    this.#means.onCompacted(bytes)
    return { rows, snapshotBytes: bytes }
  }
}
