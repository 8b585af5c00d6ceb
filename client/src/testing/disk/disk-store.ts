import { type Clock, TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { transacting } from '../../replica/bring.ts'
import { type DirtyMark, ofAccount, remainder } from '../../store/dirty-mark.ts'
import type {
  Acknowledged,
  CopyFacts,
  History,
  Loaded,
  LocalStore,
  NewlyRead,
  SetAside,
  StoreEvents,
} from '../../store/local-store.ts'
import { lackingIn } from '../../store/stored-content.ts'
import { within } from '../../time-limit.ts'
import type { Thread } from '../thread.ts'
import { applyRow, type Copy, type Disk } from './disk.ts'
import { DiskWrites, type Write } from './disk-writes.ts'

/** Where a store stands. */
export interface Place {
  readonly disk: Disk
  readonly namespace: string
  readonly document: string
  readonly opening: string
}

const openTimeLimit = 5_000
/** Rows that the caretaker makes one of. */
const manyRows = 50

/** A document's copy on a simulated disk; it behaves as the one in IndexedDB does. */
export class DiskStore implements LocalStore {
  readonly kind = 'indexeddb'
  readonly #place: Place
  readonly #doc: Y.Doc
  readonly #thread: Thread
  readonly #clock: Clock
  readonly #events: StoreEvents
  #copy: Copy | null = null
  /** What this store knows of the copy's marks beside its own, to be written again if the copy is thrown away. */
  #others = new Map<string, DirtyMark>()
  readonly #acknowledged = new Map<string, number>()
  #history: History | null = null
  #account: string | null = null
  #speaksFor: string | null = null
  #newest = 0
  readonly #writes: DiskWrites
  readonly #underWay = new Set<Promise<void>>()
  #isCaretaker = false
  #isSetAside = false
  #end: 'closed' | 'lost' | null = null
  #loading: Promise<void> | null = null
  #closing: Promise<void> | null = null

  constructor(place: Place, doc: Y.Doc, tab: { readonly thread: Thread; readonly clock: Clock }, events: StoreEvents) {
    this.#place = place
    this.#doc = doc
    this.#thread = tab.thread
    this.#clock = tab.clock
    this.#events = events
    this.#writes = new DiskWrites({
      ...{ clock: this.#clock, events },
      isOpen: () => this.#copy !== null && !this.#copy.isGone,
      put: (writes) => this.#put(writes),
      reopen: () => this.#writeAgain(),
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
    const { disk, namespace, document } = this.#place
    const reading = disk.transact(this.#thread, 'other', () => {
      const copy = disk.open(namespace, document)
      copy.openBy.add(this)
      return { copy, rows: copy.rows, marks: new Map(copy.marks), history: copy.history, account: copy.account }
    })
    let found: Awaited<typeof reading>
    try {
      found = await within(this.#clock, openTimeLimit, 'opening the local store', reading)
    } catch (cause) {
      this.#end = 'lost'
      reading.then(({ copy }) => copy.openBy.delete(this)).catch(() => {})
      throw new TidemarkError('local-storage-unavailable', undefined, { cause })
    }
    if (this.#end) throw new TidemarkError('document-closed')
    const { copy, rows, marks, history, account } = found
    this.#copy = copy
    this.#others = new Map(marks)
    this.#others.delete(this.#place.opening)
    this.#history ??= history
    this.#account ??= account
    const corrupt = new Set<Uint8Array>()
    transacting(this.#doc, this, () => {
      for (const row of rows) if (!applyRow(this.#doc, row, this)) corrupt.add(row)
    })
    if (corrupt.size > 0) this.#quarantine(copy, corrupt)
    if (copy.isGone) this.#writeAgain()
    else this.#writes.flush()
    const stored = [...rows]
    return { copy: copy.id, marks, history, account, lacking: (update) => lackingIn(stored, update) }
  }

  #quarantine(copy: Copy, corrupt: ReadonlySet<Uint8Array>): void {
    this.#events.failed(new TidemarkError('local-storage-corrupt'))
    this.#track(
      this.#transact('other', () => {
        copy.rows = copy.rows.filter((row) => !corrupt.has(row))
        copy.quarantined.push(...corrupt)
        if (copy.marks.size > 0) copy.unread += corrupt.size
      }),
    )
  }

  append(update: Uint8Array, position: number | null): Promise<void> {
    if (this.#end || this.#closing) {
      return Promise.reject(new TidemarkError(this.#end === 'lost' ? 'local-storage-unavailable' : 'document-closed'))
    }
    if (position !== null) {
      this.#newest = Math.max(this.#newest, position)
      this.#place.disk.newest.set(this.#place.opening, this.#newest)
    }
    return this.#writes.add({ update, position })
  }

  acknowledge(acknowledged: Acknowledged): Promise<void> {
    for (const [opening, position] of acknowledged) {
      this.#acknowledged.set(opening, Math.max(this.#acknowledged.get(opening) ?? 0, position))
      const other = this.#others.get(opening)
      const rest = other && remainder(other, position)
      if (rest) this.#others.set(opening, rest)
      else this.#others.delete(opening)
    }
    return this.#keepBooks((copy) => this.#clearMarks(copy))
  }

  remember(history: History): Promise<void> {
    this.#history = history
    return this.#keepBooks((copy) => {
      copy.history = history
    })
  }

  rememberAccount(account: string): Promise<void> {
    this.#account = account
    return this.#keepBooks((copy) => {
      copy.account = account
    })
  }

  speakFor(account: string): Promise<void> {
    this.#speaksFor = account
    return this.#keepBooks((copy) => {
      const mark = copy.marks.get(this.#place.opening)
      if (mark) copy.marks.set(this.#place.opening, ofAccount(mark, account))
    })
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#isCaretaker = isCaretaker
    this.#compact()
  }

  async setAside(why: SetAside): Promise<void> {
    await this.#loading
    if (this.#end) throw new TidemarkError(this.#end === 'lost' ? 'local-storage-unavailable' : 'document-closed')
    const setting = this.#transact('other', (copy) => this.#place.disk.setAside(copy, why))
    void this.#track(setting)
    await within(this.#clock, openTimeLimit, 'setting the copy aside', setting).then(
      () => {
        this.#isSetAside = true
      },
      (cause: unknown) => {
        throw new TidemarkError('local-storage-failed', undefined, { cause })
      },
    )
  }

  readNew(): Promise<NewlyRead> {
    return this.#place.disk.transact(this.#thread, 'other', () => {
      const copy = this.#copy
      if (!copy || this.#end) return { marks: new Map(), history: null }
      this.#history ??= copy.history
      for (const row of copy.rows) applyRow(this.#doc, row, this)
      return { marks: new Map(copy.marks), history: copy.history }
    })
  }

  async facts(): Promise<CopyFacts | null> {
    if (this.#end === 'lost') return null
    try {
      const copy = this.#copy
      if (!copy) throw new DOMException('it is not open', 'InvalidStateError')
      return await this.#place.disk.transact(this.#thread, 'other', () => {
        if (copy.isGone) throw new DOMException('the database was deleted', 'AbortError')
        const { setAside, marks, history, account } = copy
        if (setAside) this.#isSetAside = true
        this.#history ??= history
        return { setAside, marks: new Map(marks), history, account }
      })
    } catch (cause) {
      throw new TidemarkError('local-storage-failed', undefined, { cause })
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#loading
    this.#end ??= 'closed'
    this.#writes.stop()
    this.#writes.flush()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    this.#copy?.openBy.delete(this)
    this.#writes.giveUp(new TidemarkError('document-closed'))
  }

  /** The person has cleared the browser's data, or somebody has deleted the document, while it is open. */
  thrownAway(why: 'cleared' | 'deleted'): void {
    this.#thread.run(() => {
      if (this.#end || !this.#copy) return
      // what was set aside must not come back as the document's copy
      if (why === 'cleared' && !this.#isSetAside) {
        this.#writeAgain()
        return
      }
      this.#end = 'lost'
      const error = new TidemarkError('local-storage-unavailable')
      this.#writes.giveUp(error)
      this.#events.lost(error)
    })
  }

  /** What is in the document is all there is now (D2.6). */
  #writeAgain(): void {
    const { disk, namespace, document } = this.#place
    const update = Y.encodeStateAsUpdate(this.#doc)
    const newest = this.#newest
    const done = disk.transact(this.#thread, 'growing', () => {
      const copy = disk.open(namespace, document)
      copy.openBy.add(this)
      copy.rows.push(update)
      for (const [opening, mark] of this.#others) {
        // its own tab may have been here before
        const { from, to } = copy.marks.get(opening) ?? mark
        copy.marks.set(opening, { ...mark, from: Math.min(from, mark.from), to: Math.max(to, mark.to) })
      }
      copy.history ??= this.#history
      copy.account ??= this.#account
      this.#mark(copy, newest)
      return copy
    })
    this.#track(
      done.then(
        (copy) => {
          this.#copy = copy
          this.#writes.recovered()
          this.#writes.flush()
        },
        (cause: unknown) => this.#writes.failed(cause),
      ),
    )
  }

  async #put(writes: readonly Write[]): Promise<void> {
    const { opening } = this.#place
    const newest = writes.reduce((newest, { position }) => Math.max(newest, position ?? 0), 0)
    const done = this.#transact('growing', (copy) => {
      for (const { update, position } of writes) {
        copy.rows.push(update)
        copy.written.push({ update, opening, position })
      }
      this.#mark(copy, newest)
    })
    this.#track(done)
    await done
    this.#compact()
  }

  /** A mark stands for what is in the rows: never for less, though a write that failed comes after later ones. */
  #mark(copy: Copy, newest: number): void {
    const { opening } = this.#place
    const { from = 1, to = 0 } = copy.marks.get(opening) ?? {}
    const range = ofAccount({ from, to: Math.max(to, newest) }, this.#speaksFor)
    const mark = remainder(range, this.#acknowledged.get(opening) ?? 0)
    if (newest > 0 && mark) copy.marks.set(opening, mark)
  }

  #clearMarks(copy: Copy): void {
    for (const [opening, position] of this.#acknowledged) {
      const mark = copy.marks.get(opening)
      const rest = mark && remainder(mark, position)
      if (rest) copy.marks.set(opening, rest)
      else copy.marks.delete(opening)
    }
  }

  #compact(): void {
    const copy = this.#copy
    if (!this.#isCaretaker || this.#end || !copy || copy.rows.length < manyRows) return
    this.#track(
      this.#transact('growing', (copy) => {
        if (copy.rows.length > 1) copy.rows = [Y.mergeUpdates(copy.rows)]
      }),
    )
  }

  /** Bookkeeping that fails is said again by the next acknowledgement; it costs a mark that stays too long. */
  #keepBooks(work: (copy: Copy) => void): Promise<void> {
    if (!this.#copy || this.#end === 'lost') return Promise.resolve()
    return this.#track(this.#transact('other', work))
  }

  #transact(kind: 'growing' | 'other', work: (copy: Copy) => void): Promise<void> {
    const copy = this.#copy!
    return this.#place.disk.transact(this.#thread, kind, () => {
      if (copy.isGone) throw new DOMException('the database was deleted', 'AbortError')
      work(copy)
    })
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work.catch(() => {}).finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
    return tracked
  }
}
