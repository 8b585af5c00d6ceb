import type { Clock, TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { mergeInGroups } from '../link/merge.ts'
import { bring } from '../replica/bring.ts'
import type { LocalStoreStatus } from '../status/status.ts'
import { within } from '../time-limit.ts'
import { type DirtyMark, pendingIn } from './dirty-mark.ts'
import type { Acknowledged, CopyFacts, History, Loaded, NewlyRead, SetAside, StoreEvents } from './local-store.ts'
import type { HeldEdits, PageKeeping, UnkeptEdits } from './page-keeping.ts'
import { type Place, PlacedStore } from './placed-store.ts'

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

export interface LocalCopyMeans {
  readonly clock: Clock
  /** How long closing may wait for the browser, in ms. */
  readonly limit: number
  readonly keeping: PageKeeping
  /** Something was stored, in this copy, that no open tab has heard of. */
  readonly onStoredLate: (copy: string) => void
  /** A copy was set aside in memory. */
  readonly onAsideInMemory: () => Promise<void>
}

export interface LoadedCopy extends Loaded {
  readonly localStore: LocalStoreStatus
  /** What a former opening in this page could keep nowhere; it is in the `Y.Doc`, and is this opening's to keep. */
  readonly handedOver: {
    readonly update: Uint8Array
    readonly count: number
    /** On whose behalf the edits were made. */
    readonly account: string | null
  } | null
}

export type Marks = ReadonlyMap<string, DirtyMark>

/** A document's copy on this device: in the store that was asked for, or in memory when that does not work (R2.3). */
export class LocalCopy {
  readonly #opening: Opening
  readonly #means: LocalCopyMeans
  readonly #events: LocalCopyEvents
  readonly #placed: PlacedStore
  #newest = 0
  #acknowledged = 0
  #isCaretaker = false
  /** Edits that are not stored yet, by position. */
  readonly #unstored = new Map<number, { readonly update: Uint8Array; readonly count: number }>()
  /** The copy was deleted, or thrown away and not yet written again. */
  #isLost = false
  #lostReason: TidemarkError | null = null
  /** The document as it was when nothing was pending, after the copy was lost; what the server has need not be held. */
  #savedVector: Uint8Array | null = null
  #history: History | null = null
  #account: string | null = null
  #setAside: SetAside | null = null
  #closing: Promise<number> | null = null
  #letGo: (() => void) | null = null
  /** The name of the copy, once it is loaded. */
  #copy: string | null = null

  /** @param place where it is, or is found out to be; never rejects */
  constructor(opening: Opening, place: Place | Promise<Place>, means: LocalCopyMeans, events: LocalCopyEvents) {
    this.#opening = opening
    this.#means = means
    this.#events = {
      ...events,
      gone: () => {
        this.#isLost = true
        events.gone?.()
      },
      rewritten: (position) => {
        this.#isLost = false
        events.rewritten?.(position)
      },
      lost: (error) => {
        this.#isLost = true
        this.#lostReason = error
        events.lost(error)
      },
    }
    const { document, doc, id } = opening
    this.#placed = new PlacedStore(place, (stores) => stores.open(document, doc, id, this.#events))
  }

  /** The origin of the transactions that bring stored content. Never what an app could give as one. */
  get origin(): unknown {
    return this.#placed.store ?? this
  }

  /** Of the copy, for all its generations; null until it is known where it is. */
  get name(): string | null {
    return this.#placed.place?.name ?? null
  }

  /**
   * Never rejects: what does not open is told, and memory takes its place.
   * @param whose says on whose behalf it is opened, as far as that is known soon
   */
  async load(whose: () => Promise<string | null>): Promise<LoadedCopy> {
    const place = this.#placed.place ?? (await this.#placed.whenPlaced())
    // What a former opening has not written yet would be missing, and nobody would count it. Asked before this one can
    // be ending, which would wait for itself.
    await this.#means.keeping.whenEnded(place.name)
    let store = this.#placed.store!
    let loaded: Loaded
    try {
      loaded = await store.load()
    } catch (error) {
      const broken = store
      store = this.#placed.useMemory(error as TidemarkError)
      void broken.close()
      loaded = await store.load()
      if (this.#account !== null) void store.speakFor(this.#account)
      if (this.#newest > 0) void store.append(Y.encodeStateAsUpdate(this.#opening.doc), this.#newest)
      store.setCaretaker(this.#isCaretaker)
    }
    this.#history ??= loaded.history
    this.#copy = loaded.copy
    const { memoryReason } = this.#placed
    if (memoryReason) this.#events.failed(memoryReason)
    const isInMemory = store.kind === 'memory' || this.#lostReason !== null
    const localStore: LocalStoreStatus = isInMemory
      ? { kind: 'memory', reason: memoryReason ?? this.#lostReason }
      : { kind: 'indexeddb' }
    return { ...loaded, localStore, handedOver: await this.#takeOver(place, loaded, whose) }
  }

  async #takeOver(
    { heldAs, isOurs }: Place,
    { history, marks, account: owner }: Loaded,
    whose: () => Promise<string | null>,
  ): Promise<LoadedCopy['handedOver']> {
    const { keeping } = this.#means
    const names = heldAs.filter((name) => keeping.pendingCount(name) > 0)
    if (names.length === 0) return null
    const taker = { history, marks, owner, isOurs, account: this.#account ?? (await whose()) }
    let held: HeldEdits | null = null
    for (const name of names) held ??= keeping.take(name, taker)
    if (!held) return null
    bring(this.#opening.doc, held.update, this.origin)
    return { update: held.update, count: pendingIn(held.marks.values()), account: held.account }
  }

  /**
   * @param position of the edit; null for an update that is durable on the server
   * @param count of the edits that it stands for, up to that position
   * @returns whether it is stored where it survives the tab; settles when that is decided
   */
  keep(update: Uint8Array, position: number | null, count = 1): Promise<boolean> {
    if (position !== null) {
      this.#newest = position
      this.#unstored.set(position, { update, count })
    }
    return this.#placed.do(async (store) => {
      try {
        await store.append(update, position)
      } catch {
        // a store that was closed or lost has said so
        return false
      }
      // memory does not survive the tab
      if (store.kind === 'memory') return false
      if (position !== null) this.#stored(position, count)
      return true
    })
  }

  #stored(position: number, count: number): void {
    this.#unstored.delete(position)
    if (this.#unstored.size === 0 && this.#letGo) this.#storedAfterAll(this.#letGo)
    for (let stored = position - count + 1; stored <= position; stored++) this.#events.stored(stored)
  }

  /** What was held since the document was closed is on the disk now: a write that nobody waited for has completed. */
  #storedAfterAll(letGo: () => void): void {
    this.#letGo = null
    letGo()
    if (this.#copy !== null) this.#means.onStoredLate(this.#copy)
  }

  acknowledge(acknowledged: Acknowledged): void {
    this.#acknowledged = Math.max(this.#acknowledged, acknowledged.get(this.#opening.id) ?? 0)
    for (const position of this.#unstored.keys()) {
      if (position > this.#acknowledged) break
      this.#unstored.delete(position)
    }
    void this.#placed.do((store) => store.acknowledge(acknowledged))
  }

  /** Nothing is pending now. */
  saved(): void {
    if (this.#isLost) this.#savedVector = Y.encodeStateVector(this.#opening.doc)
  }

  remember(history: History): void {
    this.#history = history
    void this.#placed.do((store) => store.remember(history))
  }

  rememberAccount(account: string): void {
    void this.#placed.do((store) => store.rememberAccount(account))
  }

  speakFor(account: string): void {
    this.#account = account
    void this.#placed.do((store) => store.speakFor(account))
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#isCaretaker = isCaretaker
    void this.#placed.do(async (store) => store.setCaretaker(isCaretaker))
  }

  /** @throws {TidemarkError} `document-closed`, `local-storage-unavailable`: it was not written down */
  async setAside(why: SetAside): Promise<void> {
    // whatever becomes of it, what is still held must not meet another history
    if (why.reason === 'epoch-mismatch') this.#setAside = why
    const kind = await this.#placed.do(async (store) => {
      await store.setAside(why)
      return store.kind
    })
    this.#setAside = why
    if (kind === 'memory') await this.#means.onAsideInMemory()
  }

  /** What the disk says of the copy now. @throws {TidemarkError} `local-storage-failed` */
  async facts(): Promise<CopyFacts | null> {
    const facts = await this.#placed.do((store) => store.facts())
    this.#history ??= facts?.history ?? null
    return facts
  }

  /** Brings what others have stored since. @returns what of it is pending, and its history @throws {TidemarkError} `local-storage-failed` */
  async readNew(): Promise<NewlyRead> {
    const read = await this.#placed.do((store) => store.readNew())
    this.#history ??= read.history
    return read
  }

  /** The opening is being closed: who opens the document next waits for it. */
  ending(closing: Promise<unknown>): void {
    const { keeping } = this.#means
    if (this.name !== null) keeping.ending(this.name, closing)
    else void this.#placed.whenPlaced().then(({ name }) => keeping.ending(name, closing))
  }

  /**
   * What can be stored is; what cannot is kept in the page, until it is stored or the document is opened again (R3.5).
   * @param pending what is pending of the document, as far as this opening has to answer for it
   * @returns how many edits are kept neither on this device nor on the server
   */
  close(pending: Marks): Promise<number> {
    this.#closing ??= this.#close(pending)
    return this.#closing
  }

  async #close(pending: Marks): Promise<number> {
    const { clock, limit } = this.#means
    const place = this.#placed.place ?? (await this.#placed.whenPlaced())
    const store = this.#placed.store!
    if (store.kind === 'memory' && !this.#setAside) {
      // from here on they are counted where they are held
      void store.acknowledge(new Map([...pending].map(([opening, { to }]) => [opening, to])))
    }
    // a browser that does not answer keeps nobody waiting; what it has not confirmed counts as not stored
    await within(clock, limit, 'closing the local store', store.close()).catch(() => {})
    const edits = this.#unkept(pending)
    if (!edits) return 0
    if (this.#setAside) await place.holdAside(edits, this.#setAside)
    else this.#letGo = place.hold(edits)
    return pendingIn(edits.marks.values())
  }

  #unkept(pending: Marks): UnkeptEdits | null {
    const { id, doc } = this.#opening
    const about = { history: this.#history, account: this.#account }
    // Nothing of it is on this device, not even what was stored once.
    if (this.#placed.store?.kind === 'memory' || this.#isLost) {
      // memory sets a copy aside itself
      if (pending.size === 0 || (this.#setAside && !this.#isLost)) return null
      const update = Y.encodeStateAsUpdate(doc, this.#savedVector ?? undefined)
      return { update, marks: pending, ...about }
    }
    const mark = pending.get(id)
    const left = [...this.#unstored].filter(([position]) => mark && position >= mark.from)
    const [first] = left
    if (!first || !mark) return null
    const [position, { count }] = first
    const from = Math.max(mark.from, position - count + 1)
    const update = mergeInGroups(left.map(([, { update }]) => update))
    return { update, marks: new Map([[id, { from, to: left.at(-1)![0] }]]), ...about }
  }
}
