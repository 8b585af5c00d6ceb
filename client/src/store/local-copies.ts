import type * as Y from 'yjs'
import { LocalCopy, type LocalCopyEvents, type Opening } from './local-copy.ts'
import type { LocalStores, SetAsideCopy } from './local-store.ts'
import { MemoryStores } from './memory-stores.ts'

/** What one client keeps on this device, opened or not: in its stores, and in memory what they could not take. */
export class LocalCopies {
  readonly #stores: LocalStores
  readonly #memory: LocalStores
  readonly #all: readonly LocalStores[]

  constructor(stores: LocalStores, namespace: string) {
    this.#stores = stores
    this.#memory = stores.kind === 'memory' ? stores : new MemoryStores(namespace)
    this.#all = this.#memory === stores ? [stores] : [stores, this.#memory]
  }

  open(opening: Opening, events: LocalCopyEvents): LocalCopy {
    return new LocalCopy(opening, { stores: this.#stores, memory: this.#memory }, events)
  }

  /** The names of the documents that are kept here. */
  async documents(): Promise<string[]> {
    return [...new Set((await Promise.all(this.#all.map((stores) => stores.documents()))).flat())]
  }

  /** How many edits of a document that is not open are pending. */
  async pendingCount(document: string): Promise<number> {
    const counts = await Promise.all(this.#all.map((stores) => stores.pendingCount(document)))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async delete(document: string): Promise<void> {
    await Promise.all(this.#all.map((stores) => stores.delete(document)))
  }

  async setAsideCopies(): Promise<SetAsideCopy[]> {
    return (await Promise.all(this.#all.map((stores) => stores.setAsideCopies()))).flat()
  }

  /** @throws {TidemarkError} `not-found` */
  async readSetAside(id: string): Promise<Y.Doc> {
    return (await this.#keeperOf(id)).readSetAside(id)
  }

  /** @throws {TidemarkError} `not-found` */
  async dropSetAside(id: string): Promise<void> {
    await (await this.#keeperOf(id)).dropSetAside(id)
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((stores) => stores.close()))
  }

  async #keeperOf(id: string): Promise<LocalStores> {
    for (const stores of this.#all) {
      if ((await stores.setAsideCopies()).some((copy) => copy.id === id)) return stores
    }
    return this.#stores
  }
}
