import type { TidemarkDocument } from '@tidemark/client'
import type { Device, Tab } from '@tidemark/client/testing'
import { encodeStateAsUpdate } from 'yjs'
import { Coverage } from './coverage.ts'
import { isFromServer, type Login } from './login.ts'
import type { DocumentName } from './steps.ts'

/** One edit that somebody made. */
export interface Edit {
  readonly by: Opened
  /** The opening that it was made in. */
  readonly opening: string | null
  /** Its position among the edits of its opening. */
  readonly position: number
  /** What it inserted and deleted. */
  readonly units: readonly string[]
  /** What an app would see of it. */
  readonly says: string
  /** It was known on whose behalf it was made. */
  readonly isOwned: boolean
  /** There was a network at some time since it was made. */
  couldTravel: boolean
}

export interface OpenedEvents {
  readonly saved: (opened: Opened, saying: string) => void
  readonly trouble: (what: string) => void
}

/** A document opened in a tab, and what an app hears of it there. */
export class Opened {
  readonly name: DocumentName
  readonly login: Login
  readonly document: TidemarkDocument
  /** What is in the `Y.Doc` by other ways than from the server: what "saved" is said of. */
  readonly own = new Coverage()
  readonly fromServer = new Coverage()
  /** Something is pending that `drained` has not been said of. */
  owesDrained = false
  isClosed = false
  /** Its person has disconnected it. */
  isOff = false
  #pendingEvents = 0
  readonly #events: OpenedEvents

  constructor(name: DocumentName, login: Login, document: TidemarkDocument, events: OpenedEvents) {
    this.name = name
    this.login = login
    this.document = document
    this.#events = events
    // one that is open already, because the client catches up by itself
    this.owesDrained = document.pendingCount > 0
    // one that was opened with a `Y.Doc` of before
    if (document.doc.store.clients.size > 0) this.own.add(encodeStateAsUpdate(document.doc))
    document.doc.on('update', this.#onUpdate)
    document.on('pending', () => {
      this.#pendingEvents++
      this.owesDrained = true
    })
    document.on('drained', () => {
      if (!this.owesDrained) events.trouble(`[R4.1] ${this}: drained twice`)
      this.owesDrained = document.pendingCount > 0
      if (!this.owesDrained) events.saved(this, 'drained')
    })
    document.on('status', ({ kind }) => {
      // what a listener before this one has written is told next
      if (kind === 'saved' && document.pendingCount === 0) events.saved(this, 'saved')
    })
    document.awareness.setLocalState({ here: true })
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    const coverage = isFromServer(origin) ? this.fromServer : this.own
    coverage.add(update)
  }

  get device(): Device {
    return this.login.device
  }

  get tab(): Tab {
    return this.login.tab
  }

  get isRunning(): boolean {
    return this.tab.state === 'running' && !this.isClosed
  }

  get diedDisconnected(): boolean {
    return this.isOff && !this.isClosed && this.tab.state === 'gone'
  }

  /** Other tabs of the device have the same copy, and hear of its edits. */
  get isShared(): boolean {
    return this.document.status.localStore.kind === 'indexeddb' && !this.document.isSetAside
  }

  get numbers(): number[] {
    return this.document.doc.getArray<number>('numbers').toArray()
  }

  /**
   * Makes one edit, in one transaction, and sees that it is pending in the same tick (R2.1).
   * @param isInEvent a listener makes it: what it does is told after the event
   */
  edit(says: string, change: () => void, isInEvent = false): Edit | null {
    const { document } = this
    const before = this.#pendingEvents
    // also what a listener writes meanwhile
    const made = new Coverage()
    const collect = (bytes: Uint8Array) => made.add(bytes)
    document.doc.on('update', collect)
    try {
      document.doc.transact(change)
    } catch (error) {
      // an observer's: Yjs hands it to whoever made the transaction
      if (!(error instanceof Rude)) throw error
    }
    document.doc.off('update', collect)
    if (made.units.size === 0) return null
    const isHeard = (isInEvent || this.#pendingEvents > before) && (document.pendingCount > 0 || document.isClosed)
    if (!document.isSetAside && !this.isClosed && !isHeard) {
      this.#events.trouble(`[R2.1] ${this}: not pending in the same tick`)
    }
    return {
      by: this,
      opening: this.device.openingOf(document.doc),
      position: this.device.newestOf(document.doc),
      units: [...made.units],
      says,
      isOwned: this.login.hasToken,
      couldTravel: this.device.network !== 'offline',
    }
  }

  /** What it stores is on the device's disk, not in memory. */
  get isOfDisk(): boolean {
    return this.document.status.localStore.kind === 'indexeddb'
  }

  /** Its edits were not kept, and closing the tab asked first. */
  get wasAsked(): boolean {
    const { localStore } = this.document.status
    return localStore.kind === 'memory' || localStore.failure !== undefined
  }

  /** Whether the `Y.Doc` holds it, from wherever. */
  holds(units: readonly string[]): boolean {
    return units.every((unit) => this.own.units.has(unit) || this.fromServer.units.has(unit))
  }

  /** As a person does who wants everything to be sent. */
  sendAll(): void {
    this.tab.run(() => {
      if (this.isClosed || this.document.isSetAside) return
      this.isOff = false
      this.document.connect()
      this.document.retry()
    })
  }

  closed(): void {
    this.isClosed = true
    this.document.doc.off('update', this.#onUpdate)
  }

  toString(): string {
    return `${this.name} on ${this.device.name}`
  }
}

/** What a rude observer throws. */
export class Rude extends Error {
  override readonly name = 'Rude'
}
