import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { within } from '../time-limit.ts'
import { Caretaking } from './caretaking.ts'
import { CopyRecords } from './copy-records.ts'
import { abortQuietly, begin, completionOf, customStore, writeError } from './idb.ts'
import type {
  Acknowledged,
  CopyFacts,
  History,
  Loaded,
  LocalStore,
  NewlyRead,
  SetAside,
  StoreEvents,
} from './local-store.ts'
import { databaseName } from './names.ts'
import {
  heldSoon,
  holdShared,
  keyLockName,
  type OpenedCopy,
  openLockName,
  openNewest,
  whileAnswering,
} from './opening.ts'
import { inSlices, whileOpening } from './pace.ts'
import { QuietPersistence } from './persistence.ts'
import { Reconnection } from './reconnection.ts'
import { dirtyKey, putSetAside } from './records.ts'
import { applyInSlices, quarantine, readContents, readRecordsOf } from './rows.ts'
import { openRows, type Seals } from './seals.ts'
import type { IndexeddbStoreMeans, Subject } from './store-means.ts'
import { lackingIn } from './stored-content.ts'
import { WriteQueue } from './write-queue.ts'

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
  readonly #writes: WriteQueue
  readonly #records: CopyRecords
  readonly #reconnection: Reconnection
  readonly #caretaking: Caretaking
  readonly #inFlight = new Set<Promise<unknown>>()
  #seals: Seals | null = null
  /** Which of the document's copies this is; the one before it was set aside. */
  #generation = 0
  #isSetAside = false
  #loading: Promise<void> | null = null
  #closing: Promise<void> | null = null
  #isLost = false
  #letGo: () => void = () => {}

  constructor(subject: Subject, means: IndexeddbStoreMeans, events: StoreEvents) {
    super(databaseName(means.namespace, subject.document), subject.doc)
    this.#subject = subject
    this.#means = means
    this.#events = events
    this.#writes = new WriteQueue({
      clock: means.clock,
      dirtyKey: dirtyKey(subject.opening),
      acknowledged: () => this.#records.acknowledged,
      account: () => this.#records.account,
      database: () => this.db,
      seals: () => this.#seals,
      onDisconnected: () => this.#disconnected(),
      onConnectionWanted: () => this.#reconnection.begin(),
      onWritten: (keys) => this.#caretaking.wrote(keys),
      track: (work) => this.#track(work),
      events,
    })
    this.#records = new CopyRecords({
      clock: means.clock,
      opening: subject.opening,
      note: (put) => this.#note(put),
      record: (put) => this.#record(put),
    })
    this.#reconnection = new Reconnection({
      document: subject.document,
      store: means,
      remembered: this.#records.remembered,
      name: () => this.name,
      generation: () => this.#generation,
      isOver: () => this.#closing !== null || this.#isLost,
      isSetAside: () => this.#isSetAside,
      onFound: (database) => {
        this.#adopt({ database, name: this.name, generation: this.#generation, seals: this.#seals })
        this.#writes.flush()
      },
      onGone: () => events.gone?.(),
      onRenewed: (opened) => this.#writeAgain(opened),
      onFailed: (cause) => this.#writes.connectionFailed(cause),
      onLost: (error) => this.#lose(error),
      track: (work) => this.#track(work),
    })
    this.#caretaking = new Caretaking({
      ...{ clock: means.clock, tabs: means.tabs, doc: subject.doc, origin: this, events },
      name: () => this.name,
      database: () => this.db,
      seals: () => this.#seals,
      account: () => this.#records.account,
      haveAllTheKey: () => this.#haveAllTheKey(),
      isAllWritten: () => this.#writes.isEmpty,
      isClosing: () => this.#closing !== null || this.#isLost,
      onCompacted: (bytes) => {
        this.#records.bytes = bytes
        this.#records.touch()
      },
      track: (work) => this.#track(work),
    })
  }

  load(): Promise<Loaded> {
    const loading = this.#load()
    this.#loading = loading.then(
      () => {},
      () => {},
    )
    return loading
  }

  async #load(): Promise<Loaded> {
    try {
      const { clock, openTimeLimit } = this.#means
      return await this.#loaded(await whileAnswering(clock, openTimeLimit, (onProgress) => this.#open(onProgress)))
    } catch (cause) {
      this.#isLost = true
      this.#letGo()
      this.#writes.lose(new TidemarkError('local-storage-unavailable', undefined, { cause }))
      // should the browser open it after all, it must not stay open
      this.opening.then((database) => database.close()).catch(() => {})
      throw cause instanceof TidemarkError
        ? cause
        : new TidemarkError('local-storage-unavailable', undefined, { cause })
    }
  }

  async #open(onProgress: () => void): Promise<OpenedCopy> {
    const { namespace, tabs } = this.#means
    const { document } = this.#subject
    // asked for first, not waited for: whoever evicts after that is refused, and what was evicted before is made anew
    const locks = tabs?.locks ?? null
    const held = Promise.all([
      holdShared(locks, openLockName(namespace, document)),
      this.#means.seals ? holdShared(locks, keyLockName(namespace, document)) : () => {},
    ]).then((letGo) => {
      const letGoOfAll = () => {
        for (const each of letGo) each()
      }
      if (this._destroyed || this.#isLost) letGoOfAll()
      else this.#letGo = letGoOfAll
    })
    const opening = { ...this.#means, onProgress }
    // The browser may drop a connection at any time, and what fails once may not fail twice: memory is for a whole opening.
    let opened = await openNewest(document, opening, this.opening).catch((cause: unknown) => {
      if (cause instanceof TidemarkError || this._destroyed || this.#isLost) throw cause
      return openNewest(document, opening)
    })
    await heldSoon(this.#means.clock, held, this.#means.openTimeLimit)
    // It was evicted while it was read, which nobody can do any more: what there is now counts.
    if (opened.isDeleted()) opened = await openNewest(document, opening)
    if (this.#isLost) opened.database.close()
    return opened
  }

  async #loaded(opened: OpenedCopy): Promise<Loaded> {
    const { rows, contents, database } = opened
    const corrupt = await applyInSlices(this.doc, rows.opened, this, inSlices(whileOpening))
    if (this._destroyed) {
      database.close()
      throw new TidemarkError('document-closed')
    }
    this.#records.loaded(contents)
    this.#adopt(opened)
    this.#records.bytes = this.#caretaking.loaded(contents.rows)
    this.#records.touch()
    this.#aside(corrupt, 'local-storage-corrupt')
    this.#aside(rows.tampered, 'local-storage-tampered')
    this.synced = true
    this.emit('synced', [this])
    if (opened.isDeleted()) this.#lose(deleted())
    else this.#writes.flush()
    const { marks, history, account } = contents
    const stored = rows.opened.map(({ update }) => update)
    return { copy: this.name, marks, history, account, lacking: (update) => lackingIn(stored, update) }
  }

  /** Does nobody have the copy open who would write to it in the clear? */
  async #haveAllTheKey(): Promise<boolean> {
    const { namespace, tabs } = this.#means
    if (!tabs?.locks) return true
    const { held = [] } = await tabs.locks.query()
    const count = (name: string) => held.filter((lock) => lock.name === name).length
    const { document } = this.#subject
    return count(openLockName(namespace, document)) <= count(keyLockName(namespace, document))
  }

  #aside(rows: Parameters<typeof quarantine>[1], code: 'local-storage-corrupt' | 'local-storage-tampered'): void {
    if (rows.length === 0 || !this.db) return
    this.#events.failed(new TidemarkError(code))
    this.#track(quarantine(this.db, rows).catch((cause) => this.#events.failed(writeError(cause))))
  }

  #adopt({ database, name, generation, seals }: Pick<OpenedCopy, 'database' | 'name' | 'generation' | 'seals'>): void {
    this.name = name
    this.#generation = generation
    this.#seals = seals
    this.db = database
    // The browser has closed it: out of its own need, or because the person cleared its data.
    database.onclose = () => this.#disconnected()
    // Somebody deletes the database (a sign-out in another tab) or upgrades it: nothing must be written to it again.
    database.onversionchange = () => {
      database.close()
      this.#lose(deleted())
    }
  }

  append(update: Uint8Array, position: number | null): Promise<void> {
    if (this.#closing || this.#isLost) {
      return Promise.reject(new TidemarkError(this.#isLost ? 'local-storage-unavailable' : 'document-closed'))
    }
    this.#records.bytes += update.length
    if (position !== null) this.#means.onEdit?.()
    return this.#writes.add(update, position)
  }

  #disconnected(): void {
    if (!this.db) return
    this.db = null
    if (!this.#closing) this.#reconnection.begin()
  }

  /** The browser has thrown the database away: what is in the document is all there is (D2.6). */
  #writeAgain(opened: OpenedCopy): void {
    this.#records.remembered.copy = opened.contents.copy
    this.#caretaking.beginAnew()
    this.#adopt(opened)
    const all = Y.encodeStateAsUpdate(this.doc)
    this.#records.bytes = all.length
    const newest = this.#writes.newest
    const { remembered, account } = this.#records
    const pending = this.#events.pending?.() ?? new Map()
    this.#track(
      this.#writes
        .writeFirst(all, (custom) => remembered.put(custom, pending, account))
        .then(
          () => this.#events.rewritten?.(newest),
          () => {},
        ),
    )
    this.#records.touch()
    this.#writes.flush()
  }

  #lose(cause: Error): void {
    this.db = null
    if (this.#closing || this.#isLost) return
    this.#isLost = true
    this.#caretaking.stop()
    const error = new TidemarkError('local-storage-unavailable', undefined, { cause })
    this.#writes.lose(error)
    this.#events.lost(error)
  }

  acknowledge(acknowledged: Acknowledged): Promise<void> {
    return this.#records.acknowledge(acknowledged)
  }

  remember(history: History): Promise<void> {
    return this.#records.remember(history)
  }

  rememberAccount(account: string): Promise<void> {
    return this.#records.rememberAccount(account)
  }

  speakFor(account: string): Promise<void> {
    return this.#records.speakFor(account)
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#caretaking.setCaretaker(isCaretaker)
  }

  async setAside(why: SetAside): Promise<void> {
    await this.#loading
    if (this.#closing) throw new TidemarkError('document-closed')
    const { clock, openTimeLimit } = this.#means
    // a connection that is just being opened again
    if (!this.db) await within(clock, openTimeLimit, 'reconnecting', Promise.all(this.#inFlight)).catch(() => {})
    const database = this.db
    if (this.#isLost || !database) throw new TidemarkError('local-storage-unavailable')
    // Not among the writes: they are tried again, and nobody waits for this one when it has failed.
    const transaction = begin(database, customStore, 'readwrite')
    const written = completionOf(transaction)
    this.#track(written.catch(() => {}))
    try {
      putSetAside(transaction.objectStore(customStore), { ...why, next: this.#generation + 1 })
      await within(clock, openTimeLimit, 'setting the copy aside', written)
      this.#isSetAside = true
    } catch (cause) {
      written.catch(() => {})
      abortQuietly(transaction)
      throw writeError(cause)
    }
  }

  async facts(): Promise<CopyFacts | null> {
    if (this.#isLost) return null
    try {
      if (!this.db) throw new DOMException('there is no connection now', 'InvalidStateError')
      const { setAside, marks, history, account, isWiped } = await readRecordsOf(this.db)
      if (isWiped) {
        this.db?.close()
        this.#lose(new Error('the copy was deleted: somebody has signed out'))
        return null
      }
      if (setAside) this.#isSetAside = true
      this.#records.found(history)
      return { setAside: setAside && { reason: setAside.reason, at: setAside.at }, marks, history, account }
    } catch (cause) {
      throw new TidemarkError('local-storage-failed', undefined, { cause })
    }
  }

  async readNew(): Promise<NewlyRead> {
    try {
      if (!this.db) throw new DOMException('there is no connection now', 'InvalidStateError')
      const { rows, marks, history, keyCheck } = await readContents(this.db)
      await this.#seals?.heed(keyCheck)
      this.#records.found(history)
      const unknown = rows.filter(({ key }) => this.#caretaking.isUnknown(Number(key)))
      // what cannot be read is put aside by the next opening
      const { opened } = await openRows(this.#seals, unknown)
      await applyInSlices(this.doc, opened, this, inSlices())
      return { marks, history }
    } catch (cause) {
      throw new TidemarkError('local-storage-failed', undefined, { cause })
    }
  }

  // What a store that was closed or lost did not note costs a mark that stays too long, never an edit.
  #note(put: (custom: IDBObjectStore) => void): Promise<void> {
    return this.#closing ? Promise.resolve() : this.#record(put)
  }

  #record(put: (custom: IDBObjectStore) => void): Promise<void> {
    return this.#isLost ? Promise.resolve() : this.#writes.record(put).catch(() => {})
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#inFlight.delete(tracked))
    this.#inFlight.add(tracked)
  }

  close(): Promise<void> {
    return this.destroy()
  }

  /** y-indexeddb's name for {@link close}. */
  override destroy(): Promise<void> {
    if (!this.#closing) {
      if (this.db && this.#records.bytes !== this.#records.remembered.copy?.bytes) this.#records.touch()
      this.#closing = this.#close()
    }
    return this.#closing
  }

  async #close(): Promise<void> {
    // what was handed over before is not lost because somebody was quick
    await this.#loading
    this.#caretaking.stop()
    this.#records.flush()
    this.#writes.stop()
    this.#writes.flush()
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
    this._destroyed = true
    this.db?.close()
    this.db = null
    this.#writes.giveUp(new TidemarkError('document-closed'))
    this.#letGo()
  }
}

function deleted(): Error {
  return new Error('the database was deleted or upgraded by another tab')
}
