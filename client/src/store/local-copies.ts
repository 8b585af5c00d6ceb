import { type Clock, TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { rescue } from '../replica/health.ts'
import { within } from '../time-limit.ts'
import { writeError } from './idb.ts'
import { LocalCopy, type LocalCopyEvents, type LocalCopyMeans, type Opening } from './local-copy.ts'
import type { LocalStores, SetAside, SetAsideCopy } from './local-store.ts'
import { MemoryStores } from './memory-stores.ts'
import { databaseName } from './names.ts'
import { type HeldEdits, PageKeeping, type UnkeptEdits } from './page-keeping.ts'

export interface LocalCopiesMeans {
  readonly namespace: string
  readonly clock: Clock
  /** How long the browser may take for an answer, in ms. */
  readonly limit: number
  /** What there is one of in each page. */
  readonly page: object
  /** Ask before the tab is closed while something is kept only in it. */
  readonly asks: boolean
  /** Something was stored, in this copy, that no open tab has heard of. */
  readonly onStoredLate: (copy: string) => void
}

const silent = { failed() {}, recovered() {}, lost() {} }

/** What one client keeps on this device, opened or not: in its stores, and in memory what they could not take. */
export class LocalCopies {
  readonly #stores: LocalStores
  readonly #memory: LocalStores
  /** Nobody opens a document there: what is set aside must not meet what is in memory now. */
  readonly #aside: LocalStores
  readonly #all: readonly LocalStores[]
  readonly #means: LocalCopiesMeans
  readonly #keeping: PageKeeping
  readonly #opened = new Set<string>()

  constructor(stores: LocalStores, means: LocalCopiesMeans) {
    this.#stores = stores
    // under another name: a copy in memory must not be taken for the one on the disk
    this.#memory = stores.kind === 'memory' ? stores : new MemoryStores(`${means.namespace}/memory`)
    this.#aside = new MemoryStores(`${means.namespace}/aside`)
    this.#all = [...new Set([stores, this.#memory, this.#aside])]
    this.#means = means
    this.#keeping = PageKeeping.of(means.page)
  }

  open(opening: Opening, events: LocalCopyEvents): LocalCopy {
    this.#opened.add(opening.document)
    return new LocalCopy(opening, this.#meansOf(opening), events)
  }

  #meansOf({ document, doc }: Opening): LocalCopyMeans {
    const { clock, limit, asks, onStoredLate } = this.#means
    const name = this.#nameOf(document)
    const isOnDisk = this.#stores !== this.#memory
    const held = (edits: UnkeptEdits): HeldEdits => ({ ...edits, whole: rescue(doc) ?? edits.update })
    return {
      ...{ stores: this.#stores, memory: this.#memory, clock, limit, keeping: this.#keeping, name, onStoredLate },
      hold: (edits) =>
        this.#keeping.hold(name, held(edits), {
          ...{ clock, asks, document },
          store: isOnDisk ? (edits) => this.#store(document, edits) : null,
        }),
      holdAside: (edits, why) => this.#holdAside(document, held(edits), why),
      onAsideInMemory: () => this.#lookAtMemory(),
    }
  }

  /** Those that this client has opened. */
  get opened(): readonly string[] {
    return [...this.#opened]
  }

  /**
   * The names of the documents that are kept here.
   * @throws {TidemarkError} `local-storage-failed`
   */
  async documents(): Promise<string[]> {
    const kept = await Promise.all(this.#all.map((stores) => this.#answer('listing copies', stores.documents())))
    return [...new Set([...kept.flat(), ...this.#keeping.documents(this.#nameOf(''))])]
  }

  /** How many edits of a document that is not open are pending. */
  pendingCount(document: string): Promise<number> {
    return this.#count(document, (stores) => stores.pendingCount(document))
  }

  /** How many edits are pending in copies of it that were set aside. */
  setAsideCount(document: string): Promise<number> {
    return this.#count(null, (stores) => stores.setAsideCount(document))
  }

  async #count(held: string | null, countIn: (stores: LocalStores) => Promise<number>): Promise<number> {
    if (held !== null) await this.#keeping.whenEnded(this.#nameOf(held))
    const counts = await Promise.all(this.#all.map((stores) => this.#answer('reading a copy', countIn(stores))))
    const inPage = held === null ? 0 : this.#keeping.pendingCount(this.#nameOf(held))
    return counts.reduce((sum, count) => sum + count, inPage)
  }

  async delete(document: string): Promise<void> {
    await this.#keeping.whenEnded(this.#nameOf(document))
    const decided = this.#keeping.deleting(this.#nameOf(document))
    const abort = new AbortController()
    const deleteIn = (stores: LocalStores) => this.#answer('deleting a copy', stores.delete(document, abort.signal))
    try {
      await Promise.all(this.#all.map(deleteIn))
      decided(true)
    } catch (error) {
      // One that could not be deleted yet, but was emptied, gets nothing back (R3.10).
      decided(error instanceof TidemarkError && error.code === 'local-storage-in-use' && error.cause === undefined)
      throw error
    } finally {
      abort.abort()
      await this.#lookAtMemory()
    }
  }

  /** @throws {TidemarkError} `local-storage-failed` */
  async setAsideCopies(): Promise<SetAsideCopy[]> {
    return (await Promise.all(this.#all.map((stores) => stores.setAsideCopies()))).flat()
  }

  /** @throws {TidemarkError} `not-found`, `local-storage-key-wrong`, `local-storage-failed` */
  async readSetAside(id: string): Promise<Y.Doc> {
    return (await this.#keeperOf(id)).readSetAside(id)
  }

  /** @throws {TidemarkError} `not-found`, `local-storage-failed`, `local-storage-full` */
  async dropSetAside(id: string): Promise<void> {
    await (await this.#keeperOf(id)).dropSetAside(id)
    await this.#lookAtMemory()
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((stores) => stores.close()))
  }

  /**
   * Where a browser does not answer, nobody waits for ever.
   * @throws {TidemarkError} what the work throws, or `local-storage-failed`
   */
  async #answer<Result>(what: string, work: Promise<Result>): Promise<Result> {
    try {
      return await within(this.#means.clock, this.#means.limit, what, work)
    } catch (cause) {
      throw writeError(cause)
    }
  }

  #nameOf(document: string): string {
    return databaseName(this.#means.namespace, document)
  }

  /**
   * Stores what a closed document could not store, under the names of those whose edits they are; or sets it aside in
   * memory, when the document's copy is of another history by now.
   * @throws when it does not work
   */
  async #store(document: string, edits: HeldEdits): Promise<void> {
    const { update, marks, history, account } = edits
    for (const [opening, { from, to }] of marks) {
      const store = this.#stores.open(document, new Y.Doc(), opening, silent)
      try {
        const loaded = await store.load()
        if (history && loaded.history && history.epoch !== loaded.history.epoch) {
          await this.#holdAside(document, edits, { reason: 'epoch-mismatch', at: this.#means.clock.now() })
          return
        }
        if (account !== null) void store.speakFor(account)
        // its mark goes on from what is stored of it, and stands for that, too
        const stored = loaded.marks.get(opening) ?? { from, to }
        void store.acknowledge(new Map([[opening, Math.min(from, stored.from) - 1]]))
        await this.#answer('storing', store.append(update, Math.max(to, stored.to)))
        if (!loaded.history && history) void store.remember(history)
        this.#means.onStoredLate(loaded.copy)
      } finally {
        await this.#answer('closing', store.close()).catch(() => {})
      }
    }
  }

  async #holdAside(document: string, edits: HeldEdits, why: SetAside): Promise<void> {
    for (const [opening, { from, to }] of edits.marks) {
      const store = this.#aside.open(document, new Y.Doc(), opening, silent)
      await store.load()
      await store.acknowledge(new Map([[opening, from - 1]]))
      if (edits.account !== null) await store.speakFor(edits.account)
      await store.append(edits.whole, to)
      if (edits.history) await store.remember(edits.history)
    }
    await this.#aside.open(document, new Y.Doc(), '', silent).setAside(why)
    await this.#lookAtMemory()
  }

  /** What was set aside in memory is kept nowhere else: closing the tab asks (R2.4). */
  async #lookAtMemory(): Promise<void> {
    const copies = (await Promise.all([this.#memory, this.#aside].map((stores) => stores.setAsideCopies()))).flat()
    this.#keeping.ask(this, this.#means.asks && copies.some(({ pendingCount }) => pendingCount > 0))
  }

  async #keeperOf(id: string): Promise<LocalStores> {
    for (const stores of this.#all) {
      if ((await stores.setAsideCopies()).some((copy) => copy.id === id)) return stores
    }
    return this.#stores
  }
}
