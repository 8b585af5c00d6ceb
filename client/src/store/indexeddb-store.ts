import { type Clock, TidemarkError } from '@tidemark/shared'
import { PREFERRED_TRIM_SIZE } from 'y-indexeddb'
import * as Y from 'yjs'
import { retryDelay } from '../link/retry.ts'
import { within } from '../time-limit.ts'
import { clearMarks, writeHistory } from './bookkeeping.ts'
import { type DirtyMark, dirtyKey, pendingIn, remainder } from './dirty-mark.ts'
import { type Connection, completionOf, customStore, openDatabase, updatesStore, writeError } from './idb.ts'
import type { History, Loaded, LocalStore, StoreEvents } from './local-store.ts'
import { QuietPersistence } from './persistence.ts'
import { applyRows, compact, quarantine, readContents } from './rows.ts'

interface Write {
  readonly update: Uint8Array
  readonly position: number | null
  readonly settle: { resolve(): void; reject(error: TidemarkError): void }
}

export interface IndexeddbStoreOptions {
  readonly clock: Clock
  /** How long opening may take, in ms: a blocked or hanging browser must not keep the document closed. */
  readonly openTimeLimit: number
}

const retrySchedule = { kind: 'exponential', first: 1_000, factor: 2, max: 30_000, jitter: false } as const
const compactionDelay = 1_000

/**
 * y-indexeddb's persistence, same database format, with what it lacks: a promise for each write that settles when its
 * transaction has completed, errors that reach somebody, the dirty mark in the edit's own transaction, rows that do
 * not decode set aside, and a connection that is opened again after the browser has closed it.
 */
export class IndexeddbStore extends QuietPersistence implements LocalStore {
  readonly kind = 'indexeddb'
  readonly #clock: Clock
  readonly #openTimeLimit: number
  readonly #events: StoreEvents
  readonly #dirtyKey: string
  /** Kept for writes that wait for a connection, or for another try. */
  #backlog: Write[] = []
  readonly #inFlight = new Set<Promise<void>>()
  /** The marks of earlier and other openings, as they were when the content was loaded. */
  #inheritedMarks: ReadonlyMap<string, DirtyMark> = new Map()
  #newest = 0
  #acknowledged = 0
  /** An acknowledgement came while there was no connection to write it down on. */
  #owesAcknowledgement = false
  #failing: TidemarkError | null = null
  #failures = 0
  #closing: Promise<void> | null = null
  #isLost = false
  #isReopening = false
  #cancelRetry: (() => void) | null = null
  #cancelCompaction: (() => void) | null = null

  constructor(name: string, doc: Y.Doc, options: IndexeddbStoreOptions, events: StoreEvents) {
    super(name, doc)
    this.#clock = options.clock
    this.#openTimeLimit = options.openTimeLimit
    this.#events = events
    this.#dirtyKey = dirtyKey(Math.floor(options.clock.random() * 2 ** 53).toString(36))
  }

  async load(): Promise<Loaded> {
    try {
      const loaded = await within(this.#clock, this.#openTimeLimit, 'opening IndexedDB', this.#open())
      this.#writeBacklog()
      return loaded
    } catch (cause) {
      this.#isLost = true
      // should the browser open it after all, it must not stay open
      this.opening.then((database) => database.close()).catch(() => {})
      throw new TidemarkError('local-storage-unavailable', undefined, { cause })
    }
  }

  async #open(): Promise<Loaded> {
    const database = await this.opening
    const { rows, marks, history } = await readContents(database)
    if (this.#isLost || this._destroyed) throw new TidemarkError('document-closed')
    const corrupt = applyRows(this.doc, rows, this)
    this._dbref = rows.reduce((newest, { key }) => Math.max(newest, Number(key)), 0) + 1
    this._dbsize = rows.length
    this.#inheritedMarks = marks
    this.#adopt(database)
    if (corrupt.length > 0) {
      this.#events.failed(new TidemarkError('local-storage-corrupt'))
      quarantine(database, corrupt).catch((cause) => this.#events.failed(writeError(cause)))
    }
    this.synced = true
    this.emit('synced', [this])
    let inherited = 0
    for (const mark of marks.values()) inherited += pendingIn(mark)
    return { inherited, history }
  }

  #adopt(database: IDBDatabase): void {
    this.db = database
    // The browser has closed it: out of its own need, or because the person cleared its data.
    database.onclose = () => this.#disconnected()
    // Somebody deletes the database (a sign-out in another tab) or upgrades it: nothing must be written to it again.
    database.onversionchange = () => {
      database.close()
      this.#lose(new Error('the database was deleted or upgraded by another tab'))
    }
  }

  append(update: Uint8Array, position: number | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const write: Write = { update, position, settle: { resolve, reject } }
      if (this.#closing || this.#isLost) {
        reject(new TidemarkError(this.#isLost ? 'local-storage-unavailable' : 'document-closed'))
        return
      }
      if (position !== null) this.#newest = Math.max(this.#newest, position)
      if (this.db && this.#backlog.length === 0) this.#write([write])
      else this.#backlog.push(write)
    })
  }

  #write(writes: readonly Write[]): void {
    const { db } = this
    if (!db) return
    let transaction: IDBTransaction | null = null
    try {
      const mark = this.#markFor(writes)
      transaction = db.transaction(mark ? [updatesStore, customStore] : [updatesStore], 'readwrite')
      for (const { update } of writes) transaction.objectStore(updatesStore).add(update)
      if (mark) transaction.objectStore(customStore).put(mark, this.#dirtyKey)
      this.#track(
        completionOf(transaction).then(
          () => this.#written(writes),
          (cause: unknown) => this.#notWritten(writes, cause),
        ),
      )
    } catch (cause) {
      // what it holds already would be committed, without the rest
      transaction?.abort()
      // The connection is gone, and the browser did not say so (Safari does that).
      if (cause instanceof DOMException && cause.name === 'InvalidStateError') this.#disconnected()
      this.#notWritten(writes, cause)
    }
  }

  #markFor(writes: readonly Write[]): DirtyMark | null {
    const newest = writes.reduce((newest, { position }) => Math.max(newest, position ?? 0), 0)
    return remainder({ from: 1, to: newest }, this.#acknowledged)
  }

  #written(writes: readonly Write[]): void {
    for (const { settle } of writes) settle.resolve()
    this._dbsize += writes.length
    this.#failures = 0
    if (this.#backlog.length === 0 && this.#failing) {
      this.#failing = null
      this.#events.recovered()
    }
    if (this._dbsize >= PREFERRED_TRIM_SIZE) this.#compactLater()
  }

  #notWritten(writes: readonly Write[], cause: unknown): void {
    this.#backlog = [...writes, ...this.#backlog]
    if (this.#isLost) {
      this.#giveUp(new TidemarkError('local-storage-unavailable', undefined, { cause }))
      return
    }
    const error = writeError(cause)
    if (this.#failing?.code !== error.code) {
      this.#failing = error
      this.#events.failed(error)
    }
    this.#retryLater()
  }

  #retryLater(): void {
    if (this.#cancelRetry || this.#closing || this.#isLost) return
    this.#failures++
    this.#cancelRetry = this.#clock.after(retryDelay(retrySchedule, this.#failures, 0), () => {
      this.#cancelRetry = null
      if (this.db) this.#writeBacklog()
      else this.#reopen()
    })
  }

  #writeBacklog(): void {
    if (this.#backlog.length === 0 || !this.db) return
    const writes = this.#backlog
    this.#backlog = []
    this.#write(writes)
  }

  #disconnected(): void {
    if (!this.db) return
    this.db = null
    if (!this.#closing) this.#reopen()
  }

  #reopen(): void {
    if (this.#isReopening || this.#closing || this.#isLost) return
    this.#isReopening = true
    openDatabase(this.name)
      .then((connection) => this.#reopened(connection))
      .catch((cause: unknown) => this.#notWritten([], cause))
      .finally(() => {
        this.#isReopening = false
      })
  }

  #reopened({ database, isNew }: Connection): void {
    if (this.#closing || this.#isLost) {
      database.close()
      return
    }
    this.#adopt(database)
    if (isNew) {
      // the browser has thrown the old one away: what is in the document is all there is
      this._dbsize = 0
      this.#write([{ update: Y.encodeStateAsUpdate(this.doc), position: this.#newest, settle: ignored }])
    }
    this.#writeBacklog()
    if (this.#owesAcknowledgement) void this.acknowledge(this.#acknowledged)
  }

  #lose(cause: Error): void {
    this.db = null
    if (this.#closing || this.#isLost) return
    this.#isLost = true
    this.#cancelTimers()
    const error = new TidemarkError('local-storage-unavailable', undefined, { cause })
    this.#giveUp(error)
    this.#events.lost(error)
  }

  async acknowledge(position: number): Promise<void> {
    this.#acknowledged = Math.max(this.#acknowledged, position)
    const { db } = this
    this.#owesAcknowledgement = !db
    if (!db) return
    const inherited = this.#inheritedMarks
    this.#inheritedMarks = new Map()
    await this.#attempt(() => clearMarks(db, this.#dirtyKey, position, inherited))
  }

  async remember(history: History): Promise<void> {
    const { db } = this
    if (!db) return
    await this.#attempt(() => writeHistory(db, history))
  }

  // Bookkeeping that failed is said again by the next handshake: it costs a mark that stays too long, never an edit.
  async #attempt(work: () => Promise<void>): Promise<void> {
    const attempt = work().catch((cause: unknown) => {
      if (!this.#isLost && !this.#closing) this.#events.failed(writeError(cause))
    })
    this.#track(attempt)
    await attempt
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#inFlight.delete(tracked))
    this.#inFlight.add(tracked)
  }

  #compactLater(): void {
    this.#cancelCompaction?.()
    this.#cancelCompaction = this.#clock.after(compactionDelay, () => {
      this.#cancelCompaction = null
      if (this.db && this.#backlog.length === 0) void this.#compact(this.db)
    })
  }

  #compact(database: IDBDatabase): Promise<void> {
    return this.#attempt(async () => {
      const { key, corrupt } = await compact(database, this.doc, this, this._dbref, () => {
        const value = remainder({ from: 1, to: this.#newest }, this.#acknowledged)
        return value && { key: this.#dirtyKey, value }
      })
      this._dbref = key + 1
      this._dbsize = 1
      if (corrupt.length > 0) this.#events.failed(new TidemarkError('local-storage-corrupt'))
    })
  }

  #cancelTimers(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = null
    this.#cancelCompaction?.()
    this.#cancelCompaction = null
  }

  close(): Promise<void> {
    return this.destroy()
  }

  /** y-indexeddb's name for {@link close}; it is also called when the `Y.Doc` is destroyed. */
  override destroy(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.doc.off('destroy', this.destroy)
    this.#cancelTimers()
    this.#writeBacklog()
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
    this._destroyed = true
    this.db?.close()
    this.db = null
    this.#giveUp(new TidemarkError('document-closed'))
  }

  #giveUp(error: TidemarkError): void {
    for (const { settle } of this.#backlog) settle.reject(error)
    this.#backlog = []
  }
}

const ignored = { resolve() {}, reject() {} }
