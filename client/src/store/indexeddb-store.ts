import { type Clock, TidemarkError } from '@tidemark/shared'
import { PREFERRED_TRIM_SIZE } from 'y-indexeddb'
import * as Y from 'yjs'
import { within } from '../time-limit.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { remainder } from './dirty-mark.ts'
import { type Connection, openDatabase, writeError } from './idb.ts'
import type { Acknowledged, History, Loaded, LocalStore, SetAside, StoreEvents } from './local-store.ts'
import { databaseName } from './names.ts'
import { QuietPersistence } from './persistence.ts'
import { accountKey, clearMarks, dirtyKey, historyKey, putSetAside } from './records.ts'
import { applyRows, type Contents, compact, quarantine, readContents } from './rows.ts'
import { WriteQueue } from './write-queue.ts'

export interface IndexeddbStoreMeans {
  readonly namespace: string
  readonly clock: Clock
  /** How long opening may take, in ms: a blocked or hanging browser must not keep the document closed. */
  readonly openTimeLimit: number
}

/** What is opened, and by whom. */
export interface Subject {
  readonly document: string
  readonly doc: Y.Doc
  readonly opening: string
}

const compactionDelay = 1_000

/**
 * y-indexeddb's persistence, same database format, with what it lacks: a promise for each write that settles when its
 * transaction has completed, errors that reach somebody, the dirty mark in the edit's own transaction, rows that do
 * not decode set aside, and a connection that is opened again after the browser has closed it.
 */
export class IndexeddbStore extends QuietPersistence implements LocalStore {
  readonly kind = 'indexeddb'
  readonly #means: IndexeddbStoreMeans
  readonly #subject: Subject
  readonly #events: StoreEvents
  readonly #dirtyKey: string
  readonly #writes: WriteQueue
  readonly #acknowledgements: Acknowledgements
  readonly #inFlight = new Set<Promise<void>>()
  /** Which of the document's copies this is; the one before it was set aside. */
  #generation = 0
  #newest = 0
  /** The newest of this opening's positions that is durable on the server. */
  #acknowledged = 0
  #closing: Promise<void> | null = null
  #isLost = false
  #isReopening = false
  #isCaretaker = false
  #cancelCompaction: (() => void) | null = null

  constructor(subject: Subject, means: IndexeddbStoreMeans, events: StoreEvents) {
    super(databaseName(means.namespace, subject.document), subject.doc)
    this.#subject = subject
    this.#means = means
    this.#events = events
    this.#dirtyKey = dirtyKey(subject.opening)
    this.#writes = new WriteQueue({
      clock: means.clock,
      dirtyKey: this.#dirtyKey,
      acknowledged: () => this.#acknowledged,
      database: () => this.db,
      onDisconnected: () => this.#disconnected(),
      onConnectionWanted: () => this.#reopen(),
      onWritten: (count) => this.#written(count),
      track: (work) => this.#track(work),
      events,
    })
    this.#acknowledgements = new Acknowledgements(means.clock, (acknowledged) =>
      this.#note((custom) => clearMarks(custom, acknowledged)),
    )
  }

  async load(): Promise<Loaded> {
    try {
      const loaded = await within(this.#means.clock, this.#means.openTimeLimit, 'opening IndexedDB', this.#open())
      this.#writes.flush()
      return loaded
    } catch (cause) {
      this.#isLost = true
      // should the browser open it after all, it must not stay open
      this.opening.then((database) => database.close()).catch(() => {})
      throw cause instanceof TidemarkError
        ? cause
        : new TidemarkError('local-storage-unavailable', undefined, { cause })
    }
  }

  async #open(): Promise<Loaded> {
    const { database, contents } = await this.#newestCopy()
    if (this.#isLost || this._destroyed) throw new TidemarkError('document-closed')
    const { rows, marks, history, account } = contents
    const corrupt = applyRows(this.doc, rows, this)
    this._dbref = rows.reduce((newest, { key }) => Math.max(newest, Number(key)), 0) + 1
    this._dbsize = rows.length
    this.#adopt(database)
    if (corrupt.length > 0) {
      this.#events.failed(new TidemarkError('local-storage-corrupt'))
      quarantine(database, corrupt).catch((cause) => this.#events.failed(writeError(cause)))
    }
    this.synced = true
    this.emit('synced', [this])
    return { copy: this.name, marks, history, account }
  }

  /** Goes on from copies that were set aside to the one that took their place (R9.4). */
  async #newestCopy(): Promise<{ database: IDBDatabase; contents: Contents }> {
    let database = await this.opening
    for (;;) {
      const contents = await readContents(database)
      if (!contents.setAside) return { database, contents }
      database.close()
      this.#generation = contents.setAside.next
      this.name = databaseName(this.#means.namespace, this.#subject.document, this.#generation)
      database = (await openDatabase(this.name)).database
    }
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
    this.#compactIfDue()
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
      this.#writes.writeFirst(Y.encodeStateAsUpdate(this.doc))
    }
    this.#writes.flush()
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

  acknowledge(acknowledged: Acknowledged): Promise<void> {
    this.#acknowledged = Math.max(this.#acknowledged, acknowledged.get(this.#subject.opening) ?? 0)
    return this.#acknowledgements.add(acknowledged)
  }

  remember(history: History): Promise<void> {
    return this.#note((custom) => custom.put(history, historyKey))
  }

  rememberAccount(account: string): Promise<void> {
    return this.#note((custom) => custom.put(account, accountKey))
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#isCaretaker = isCaretaker
    if (isCaretaker) this.#compactIfDue()
  }

  setAside(why: SetAside): Promise<void> {
    const next = this.#generation + 1
    return this.#writes.record((custom) => putSetAside(custom, { ...why, next }))
  }

  // What a store that was closed or lost did not note costs a mark that stays too long, never an edit.
  #note(put: (custom: IDBObjectStore) => void): Promise<void> {
    if (this.#closing || this.#isLost) return Promise.resolve()
    return this.#writes.record(put).catch(() => {})
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#inFlight.delete(tracked))
    this.#inFlight.add(tracked)
  }

  #compactIfDue(): void {
    if (this.#closing || !this.#isCaretaker || this._dbsize < PREFERRED_TRIM_SIZE || this.#cancelCompaction) return
    this.#cancelCompaction = this.#means.clock.after(compactionDelay, () => {
      this.#cancelCompaction = null
      if (this.db && this.#writes.isEmpty) this.#track(this.#compact(this.db))
    })
  }

  async #compact(database: IDBDatabase): Promise<void> {
    try {
      const { key, corrupt } = await compact(database, this.doc, this, this._dbref, () => {
        const value = remainder({ from: 1, to: this.#newest }, this.#acknowledged)
        return value && { key: this.#dirtyKey, value }
      })
      this._dbref = key + 1
      this._dbsize = 1
      if (corrupt.length > 0) this.#events.failed(new TidemarkError('local-storage-corrupt'))
    } catch (cause) {
      if (!this.#isLost && !this.#closing) this.#events.failed(writeError(cause))
    }
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
    this.#acknowledgements.flush()
    this.#writes.stop()
    this.#writes.flush()
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
    this._destroyed = true
    this.db?.close()
    this.db = null
    this.#writes.giveUp(new TidemarkError('document-closed'))
  }
}
