import { type Clock, TidemarkError } from '@tidemark/shared'
import type * as Y from 'yjs'
import type { CopyOwner, LocalStores, SetAsideCopy, StoreEvents } from '../../store/local-store.ts'
import type { Thread } from '../thread.ts'
import { type Copy, type Disk, pendingOf, readCopy } from './disk.ts'
import { DiskStore } from './disk-store.ts'

/** One namespace of a device's disk, as one of its tabs sees it. */
export class DiskStores implements LocalStores {
  readonly kind = 'indexeddb'
  readonly #disk: Disk
  readonly #namespace: string
  readonly #thread: Thread
  readonly #clock: Clock

  constructor(disk: Disk, namespace: string, tab: { readonly thread: Thread; readonly clock: Clock }) {
    this.#disk = disk
    this.#namespace = namespace
    this.#thread = tab.thread
    this.#clock = tab.clock
  }

  open(document: string, doc: Y.Doc, opening: string, events: StoreEvents): DiskStore {
    this.#disk.openings.set(doc, opening)
    const place = { disk: this.#disk, namespace: this.#namespace, document, opening }
    return new DiskStore(place, doc, { thread: this.#thread, clock: this.#clock }, events)
  }

  documents(): Promise<string[]> {
    return this.#transact(() =>
      this.#copies()
        .filter(({ setAside }) => !setAside)
        .map(({ document }) => document),
    )
  }

  pendingCount(document: string): Promise<number> {
    return this.#transact(() => {
      const copy = this.#disk.current(this.#namespace, document)
      return copy ? pendingOf(copy) : 0
    })
  }

  setAsideCount(document: string): Promise<number> {
    return this.#transact(() =>
      this.#copies()
        .filter((copy) => copy.document === document && copy.setAside)
        .reduce((count, copy) => count + pendingOf(copy), 0),
    )
  }

  delete(document: string): Promise<void> {
    return this.#transact(() => {
      for (const copy of this.#copies()) if (copy.document === document) this.#disk.remove(copy, 'deleted')
    })
  }

  setAsideCopies(): Promise<SetAsideCopy[]> {
    return this.#transact(() =>
      this.#copies().flatMap((copy) =>
        copy.setAside
          ? [{ ...copy.setAside, id: copy.id, document: copy.document, pendingCount: pendingOf(copy) }]
          : [],
      ),
    )
  }

  owners(document: string): Promise<CopyOwner[]> {
    return this.#transact(() =>
      this.#copies()
        .filter((copy) => copy.document === document)
        .sort((a, b) => Number(b.setAside !== null) - Number(a.setAside !== null))
        .map(({ id, marks, account, setAside }) => ({
          ...{ id, marks: new Map(marks), account },
          isSetAside: setAside !== null,
        })),
    )
  }

  readSetAside(id: string): Promise<Y.Doc> {
    return this.#transact(() => readCopy(this.#setAside(id)))
  }

  dropSetAside(id: string): Promise<void> {
    return this.#transact(() => this.#disk.remove(this.#setAside(id), 'deleted'))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #copies(): readonly Copy[] {
    return this.#disk.copies(this.#namespace)
  }

  #setAside(id: string): Copy {
    const copy = this.#copies().find((copy) => copy.id === id && copy.setAside)
    if (!copy) throw new TidemarkError('not-found')
    return copy
  }

  async #transact<Result>(work: () => Result): Promise<Result> {
    try {
      return await this.#disk.transact(this.#thread, 'other', work)
    } catch (cause) {
      if (cause instanceof TidemarkError) throw cause
      throw new TidemarkError('local-storage-unavailable', undefined, { cause })
    }
  }
}
