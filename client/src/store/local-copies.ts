import { type Clock, TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { sharedNamespace } from '../account/names.ts'
import { rescue } from '../replica/health.ts'
import { within } from '../time-limit.ts'
import type { Home } from './home.ts'
import { writeError } from './idb.ts'
import { LocalCopy, type LocalCopyEvents, type Opening } from './local-copy.ts'
import type { LocalStores, SetAside, SetAsideCopy } from './local-store.ts'
import { databaseName } from './names.ts'
import { type HeldEdits, PageKeeping, type UnkeptEdits } from './page-keeping.ts'
import type { Place } from './placed-store.ts'

export interface LocalCopiesMeans {
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
  readonly #means: LocalCopiesMeans
  readonly #keeping: PageKeeping
  readonly #findHome: () => Promise<Home>
  #home: Home | Promise<Home> | null
  readonly #opened = new Set<string>()
  /** By document: the name of its copy, where that is not in this client's own namespace. */
  readonly #elsewhere = new Map<string, string>()

  /**
   * @param home null when it is still to be found out
   * @param findHome never rejects; asked when it is first needed
   */
  constructor(home: Home | null, findHome: () => Promise<Home>, means: LocalCopiesMeans) {
    this.#home = home
    this.#findHome = findHome
    this.#means = means
    this.#keeping = PageKeeping.of(means.page)
  }

  #atHome(): Home | Promise<Home> {
    this.#home ??= this.#findHome().then((home) => {
      this.#home = home
      return home
    })
    return this.#home
  }

  /** Where documents are kept that are new on this device. */
  async namespace(): Promise<string> {
    return (await this.#atHome()).namespace
  }

  open(opening: Opening, events: LocalCopyEvents): LocalCopy {
    const { clock, limit, onStoredLate } = this.#means
    this.#opened.add(opening.document)
    const home = this.#atHome()
    const place =
      home instanceof Promise || home.claimed
        ? Promise.resolve(home).then((known) => this.#findPlace(known, opening))
        : this.#placeOf(home, opening, home)
    const onAsideInMemory = () => this.#lookAtMemory()
    return new LocalCopy(
      opening,
      place,
      { clock, limit, keeping: this.#keeping, onStoredLate, onAsideInMemory },
      events,
    )
  }

  async #findPlace(home: Home, opening: Opening): Promise<Place> {
    const { stores, claimed } = home
    const { document } = opening
    this.#elsewhere.delete(document)
    if (!claimed) return this.#placeOf(home, opening, home)
    const look = () => claimed.holds(document, stores)
    try {
      // what fails once may not fail twice
      const isThere = await this.#answer('looking for a copy', look().catch(look))
      if (!isThere) return this.#placeOf(home, opening, home)
      this.#elsewhere.set(document, databaseName(sharedNamespace, document))
      return this.#placeOf(home, opening, { namespace: sharedNamespace, stores: claimed })
    } catch (cause) {
      // A second copy beside one that nobody could look at would hide what is pending there.
      const open = () => {
        throw new TidemarkError('local-storage-unavailable', undefined, { cause })
      }
      return { ...this.#placeOf(home, opening, home), stores: { open } }
    }
  }

  #placeOf(home: Home, { document, doc }: Opening, { namespace, stores }: Pick<Home, 'namespace' | 'stores'>): Place {
    const { clock, asks } = this.#means
    const { memory, claimed, isOurs } = home
    const name = databaseName(namespace, document)
    const isOnDisk = stores !== memory
    const held = (edits: UnkeptEdits): HeldEdits => ({ ...edits, whole: rescue(doc) ?? edits.update })
    return {
      ...{ stores, memory, name, isOurs },
      heldAs: claimed ? [...new Set([name, databaseName(sharedNamespace, document)])] : [name],
      hold: (edits) =>
        this.#keeping.hold(name, held(edits), {
          ...{ clock, asks, document },
          store: isOnDisk ? (edits) => this.#store(stores, document, edits) : null,
        }),
      holdAside: (edits, why) => this.#holdAside(document, held(edits), why),
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
    const { all, namespace } = await this.#atHome()
    const kept = await Promise.all(all.map((stores) => this.#answer('listing copies', stores.documents())))
    const inPage = this.#keeping.documents(databaseName(namespace, ''))
    const elsewhere = [...this.#elsewhere].filter(([, name]) => this.#keeping.pendingCount(name) > 0)
    return [...new Set([...kept.flat(), ...inPage, ...elsewhere.map(([document]) => document)])]
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
    const { all } = await this.#atHome()
    const name = held === null ? null : await this.#nameOf(held)
    if (name !== null) await this.#keeping.whenEnded(name)
    const counts = await Promise.all(all.map((stores) => this.#answer('reading a copy', countIn(stores))))
    const inPage = name === null ? 0 : this.#keeping.pendingCount(name)
    return counts.reduce((sum, count) => sum + count, inPage)
  }

  async delete(document: string): Promise<void> {
    const { all } = await this.#atHome()
    const name = await this.#nameOf(document)
    await this.#keeping.whenEnded(name)
    const decided = this.#keeping.deleting(name)
    const abort = new AbortController()
    const deleteIn = (stores: LocalStores) => this.#answer('deleting a copy', stores.delete(document, abort.signal))
    try {
      await Promise.all(all.map(deleteIn))
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
    const { all } = await this.#atHome()
    return (await Promise.all(all.map((stores) => stores.setAsideCopies()))).flat()
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
    const home = await this.#home
    await Promise.all(home?.all.map((stores) => stores.close()) ?? [])
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

  async #nameOf(document: string): Promise<string> {
    return this.#elsewhere.get(document) ?? databaseName(await this.namespace(), document)
  }

  /**
   * Stores what a closed document could not store, under the names of those whose edits they are; or sets it aside in
   * memory, when the document's copy is of another history by now.
   * @throws when it does not work
   */
  async #store(stores: LocalStores, document: string, edits: HeldEdits): Promise<void> {
    const { update, marks, history, account } = edits
    for (const [opening, { from, to }] of marks) {
      const store = stores.open(document, new Y.Doc(), opening, silent)
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
    const { aside } = await this.#atHome()
    for (const [opening, { from, to }] of edits.marks) {
      const store = aside.open(document, new Y.Doc(), opening, silent)
      await store.load()
      await store.acknowledge(new Map([[opening, from - 1]]))
      if (edits.account !== null) await store.speakFor(edits.account)
      await store.append(edits.whole, to)
      if (edits.history) await store.remember(edits.history)
    }
    await aside.open(document, new Y.Doc(), '', silent).setAside(why)
    await this.#lookAtMemory()
  }

  /** What was set aside in memory is kept nowhere else: closing the tab asks (R2.4). */
  async #lookAtMemory(): Promise<void> {
    const { memory, aside } = await this.#atHome()
    const copies = (await Promise.all([memory, aside].map((stores) => stores.setAsideCopies()))).flat()
    this.#keeping.ask(this, this.#means.asks && copies.some(({ pendingCount }) => pendingCount > 0))
  }

  async #keeperOf(id: string): Promise<LocalStores> {
    const { all, stores } = await this.#atHome()
    for (const some of all) if ((await some.setAsideCopies()).some((copy) => copy.id === id)) return some
    return stores
  }
}
