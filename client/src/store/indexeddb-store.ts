import { type Clock, TidemarkError } from '@tidemark/shared'
import { PREFERRED_TRIM_SIZE } from 'y-indexeddb'
import * as Y from 'yjs'
import { within } from '../time-limit.ts'
import { clearMarks, writeHistory } from './bookkeeping.ts'
import { type DirtyMark, dirtyKey, pendingIn, remainder } from './dirty-mark.ts'
import { type Connection, openDatabase, writeError } from './idb.ts'
import type { History, Loaded, LocalStore, StoreEvents } from './local-store.ts'
import { QuietPersistence } from './persistence.ts'
import { applyRows, compact, quarantine, readContents } from './rows.ts'
import { WriteQueue } from './write-queue.ts'

export interface IndexeddbStoreOptions {
  readonly clock: Clock
  /** How long opening may take, in ms: a blocked or hanging browser must not keep the document closed. */
  readonly openTimeLimit: number
}

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
  readonly #writes: WriteQueue
  readonly #inFlight = new Set<Promise<void>>()
  /** The marks of earlier and other openings, as they were when the content was loaded. */
  #inheritedMarks: ReadonlyMap<string, DirtyMark> = new Map()
  #newest = 0
  #acknowledged = 0
  /** An acknowledgement came while there was no connection to write it down on. */
  #owesAcknowledgement = false
  #closing: Promise<void> | null = null
  #isLost = false
  #isReopening = false
  #cancelCompaction: (() => void) | null = null

  constructor(name: string, doc: Y.Doc, options: IndexeddbStoreOptions, events: StoreEvents) {
    super(name, doc)
    this.#clock = options.clock
    this.#openTimeLimit = options.openTimeLimit
    this.#events = events
    this.#dirtyKey = dirtyKey(Math.floor(options.clock.random() * 2 ** 53).toString(36))
    this.#writes = new WriteQueue({
      clock: options.clock,
      dirtyKey: this.#dirtyKey,
      acknowledged: () => this.#acknowledged,
      database: () => this.db,
      onDisconnected: () => this.#disconnected(),
      onConnectionWanted: () => this.#reopen(),
      onWritten: (count) => this.#written(count),
      track: (work) => this.#track(work),
      events,
    })
  }

  async load(): Promise<Loaded> {
    try {
      const loaded = await within(this.#clock, this.#openTimeLimit, 'opening IndexedDB', this.#open())
      this.#writes.flush()
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
    if (this.#closing || this.#isLost) {
      return Promise.reject(new TidemarkError(this.#isLost ? 'local-storage-unavailable' : 'document-closed'))
    }
    if (position !== null) this.#newest = Math.max(this.#newest, position)
    return this.#writes.add(update, position)
  }

  #written(count: number): void {
    this._dbsize += count
    if (this._dbsize >= PREFERRED_TRIM_SIZE) this.#compactLater()
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
      .catch((cause: unknown) => this.#writes.connectionFailed(cause))
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
      this.#writes.writeFirst(Y.encodeStateAsUpdate(this.doc), this.#newest)
    }
    this.#writes.flush()
    if (this.#owesAcknowledgement) void this.acknowledge(this.#acknowledged)
  }

  #lose(cause: Error): void {
    this.db = null
    if (this.#closing || this.#isLost) return
    this.#isLost = true
    this.#cancelCompaction?.()
    const error = new TidemarkError('local-storage-unavailable', undefined, { cause })
    this.#writes.lose(error)
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
    if (this.#closing) return
    this.#cancelCompaction?.()
    this.#cancelCompaction = this.#clock.after(compactionDelay, () => {
      this.#cancelCompaction = null
      if (this.db && this.#writes.isEmpty) void this.#compact(this.db)
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
    this.#cancelCompaction?.()
    this.#writes.stop()
    this.#writes.flush()
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
    this._destroyed = true
    this.db?.close()
    this.db = null
    this.#writes.giveUp(new TidemarkError('document-closed'))
  }
}
