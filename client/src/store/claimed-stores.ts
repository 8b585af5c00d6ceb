import * as Y from 'yjs'
import { isOwned, pendingIn } from './dirty-mark.ts'
import type { CopyOwner, LocalStore, LocalStores, SetAsideCopy, StoreEvents } from './local-store.ts'

const silent = { failed() {}, recovered() {}, lost() {} }

/**
 * What one account has in the namespace that all accounts shared before each had its own (D3.9). What is there of
 * others does not exist for it.
 */
export class ClaimedStores implements LocalStores {
  readonly kind: LocalStores['kind']
  readonly #stores: LocalStores
  readonly #isOurs: (account: string) => boolean

  constructor(stores: LocalStores, isOurs: (account: string) => boolean) {
    this.kind = stores.kind
    this.#stores = stores
    this.#isOurs = isOurs
  }

  /**
   * Is the document to be opened where it is, rather than in the account's own namespace? There may be a copy in both,
   * after an opening that could not find out whose it was: one that holds pending edits comes first, so that those of
   * both are sent, one after the other.
   */
  async holds(document: string, own: LocalStores): Promise<boolean> {
    const inUse = (await this.#stores.owners(document)).at(-1)
    if (!inUse || inUse.isSetAside || !this.#isClaimed(inUse)) return false
    return pendingIn(inUse.marks.values()) > 0 || (await own.owners(document)).length === 0
  }

  open(document: string, doc: Y.Doc, opening: string, events: StoreEvents): LocalStore {
    return this.#stores.open(document, doc, opening, events)
  }

  async documents(): Promise<string[]> {
    const names = await this.#stores.documents()
    const owners = await Promise.all(names.map((name) => this.owners(name)))
    return names.filter((_, index) => owners[index]!.length > 0)
  }

  async pendingCount(document: string): Promise<number> {
    const isInUse = (await this.owners(document)).some(({ isSetAside }) => !isSetAside)
    return isInUse ? this.#stores.pendingCount(document) : 0
  }

  async setAsideCount(document: string): Promise<number> {
    const aside = (await this.setAsideCopies()).filter((copy) => copy.document === document)
    return aside.reduce((sum, { pendingCount }) => sum + pendingCount, 0)
  }

  async owners(document: string): Promise<CopyOwner[]> {
    return (await this.#stores.owners(document)).filter((copy) => this.#isClaimed(copy))
  }

  /** Only what is this account's: somebody else's copies of the document stay. */
  async delete(document: string, signal: AbortSignal): Promise<void> {
    const all = await this.#stores.owners(document)
    const ours = all.filter((copy) => this.#isClaimed(copy))
    if (ours.length === 0) return
    if (ours.length === all.length) return this.#stores.delete(document, signal)
    for (const { id, isSetAside } of ours) {
      signal.throwIfAborted()
      if (!isSetAside) await this.#setAside(document)
      await this.#stores.dropSetAside(id)
    }
  }

  async #setAside(document: string): Promise<void> {
    const store = this.#stores.open(document, new Y.Doc(), '', silent)
    try {
      await store.load()
      await store.setAside({ reason: 'discarded', at: 0 })
    } finally {
      await store.close()
    }
  }

  async setAsideCopies(): Promise<SetAsideCopy[]> {
    const copies = await this.#stores.setAsideCopies()
    const owners = await Promise.all(
      [...new Set(copies.map(({ document }) => document))].map((name) => this.owners(name)),
    )
    const ids = new Set(owners.flat().map(({ id }) => id))
    return copies.filter(({ id }) => ids.has(id))
  }

  readSetAside(id: string): Promise<Y.Doc> {
    return this.#stores.readSetAside(id)
  }

  dropSetAside(id: string): Promise<void> {
    return this.#stores.dropSetAside(id)
  }

  close(): Promise<void> {
    return this.#stores.close()
  }

  #isClaimed({ marks, account }: CopyOwner): boolean {
    return isOwned(marks.values(), account, this.#isOurs)
  }
}
