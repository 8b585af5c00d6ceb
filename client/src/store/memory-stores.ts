import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { mergeInGroups } from '../link/merge.ts'
import { bringWithin, transacting } from '../replica/bring.ts'
import { type DirtyMark, ofAccount, pendingIn, remainder } from './dirty-mark.ts'
import type {
  Acknowledged,
  CopyFacts,
  CopyOwner,
  History,
  Loaded,
  LocalStore,
  LocalStores,
  NewlyRead,
  SetAside,
  SetAsideCopy,
  StoreEvents,
} from './local-store.ts'
import { databaseName, parseDatabaseName } from './names.ts'
import { lackingIn } from './stored-content.ts'

/** One copy of a document in memory. */
interface Shelf {
  readonly name: string
  updates: Uint8Array[]
  readonly quarantine: Uint8Array[]
  /** How many rows of the quarantine may hold pending edits. */
  unread: number
  readonly marks: Map<string, DirtyMark>
  history: History | null
  account: string | null
  setAside: SetAside | null
}

const nothingKnown = { history: null, account: null, setAside: null }

/** The stores of last resort: where IndexedDB is missing or broken, or not wanted (R2.3). They live as long as the page. */
export class MemoryStores implements LocalStores {
  readonly kind = 'memory'
  readonly #namespace: string
  /** By document; the newest copy last, those before it were set aside. */
  readonly #shelves = new Map<string, Shelf[]>()

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  open(document: string, doc: Y.Doc, opening: string, events: StoreEvents): LocalStore {
    return new MemoryStore(this.newest(document), doc, opening, events)
  }

  documents(): Promise<string[]> {
    return Promise.resolve([...this.#shelves.keys()])
  }

  pendingCount(document: string): Promise<number> {
    const shelf = this.#shelves.get(document)?.at(-1)
    return Promise.resolve(shelf && !shelf.setAside ? pendingOn(shelf) : 0)
  }

  setAsideCount(document: string): Promise<number> {
    const aside = (this.#shelves.get(document) ?? []).filter(({ setAside }) => setAside)
    return Promise.resolve(aside.reduce((count, shelf) => count + pendingOn(shelf), 0))
  }

  delete(document: string): Promise<void> {
    this.#shelves.delete(document)
    return Promise.resolve()
  }

  setAsideCopies(): Promise<SetAsideCopy[]> {
    const copies: SetAsideCopy[] = []
    for (const [document, shelves] of this.#shelves) {
      for (const shelf of shelves) {
        const { name, setAside, updates, quarantine } = shelf
        if (!setAside || updates.length + quarantine.length === 0) continue
        copies.push({ ...setAside, id: name, document, pendingCount: pendingOn(shelf) })
      }
    }
    return Promise.resolve(copies)
  }

  owners(document: string): Promise<CopyOwner[]> {
    const shelves = this.#shelves.get(document) ?? []
    return Promise.resolve(
      shelves.map(({ name, marks, account, setAside }) => ({
        ...{ id: name, marks: new Map(marks), account },
        isSetAside: setAside !== null,
      })),
    )
  }

  async readSetAside(id: string): Promise<Y.Doc> {
    const doc = new Y.Doc()
    bring(doc, this.#setAside(id).updates, null)
    return doc
  }

  async dropSetAside(id: string): Promise<void> {
    const shelf = this.#setAside(id)
    shelf.updates = []
    shelf.quarantine.length = 0
    shelf.unread = 0
    shelf.marks.clear()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** @internal the copy that an opening of the document gets */
  newest(document: string): Shelf {
    let shelves = this.#shelves.get(document)
    if (!shelves) this.#shelves.set(document, (shelves = []))
    let shelf = shelves.at(-1)
    if (!shelf || shelf.setAside) {
      const name = databaseName(this.#namespace, document, shelves.length)
      shelf = { name, updates: [], quarantine: [], unread: 0, marks: new Map(), ...nothingKnown }
      shelves.push(shelf)
    }
    return shelf
  }

  #setAside(id: string): Shelf {
    const copy = parseDatabaseName(this.#namespace, id)
    const shelf = copy && this.#shelves.get(copy.document)?.[copy.generation]
    if (!shelf?.setAside) throw new TidemarkError('not-found')
    return shelf
  }
}

function pendingOn({ marks, unread }: Shelf): number {
  return pendingIn(marks.values()) + unread
}

class MemoryStore implements LocalStore {
  readonly kind = 'memory'
  readonly #doc: Y.Doc
  readonly #shelf: Shelf
  readonly #opening: string
  readonly #events: StoreEvents
  #newest = 0
  #acknowledged = 0
  #account: string | null = null
  #isClosed = false

  constructor(shelf: Shelf, doc: Y.Doc, opening: string, events: StoreEvents) {
    this.#doc = doc
    this.#shelf = shelf
    this.#opening = opening
    this.#events = events
  }

  load(): Promise<Loaded> {
    const shelf = this.#shelf
    const marks = new Map(shelf.marks)
    const corrupt = bring(this.#doc, shelf.updates, this)
    shelf.updates = shelf.updates.filter((update) => !corrupt.includes(update))
    shelf.quarantine.push(...corrupt)
    if (marks.size > 0) shelf.unread += corrupt.length
    if (corrupt.length > 0) this.#events.failed(new TidemarkError('local-storage-corrupt'))
    const { name: copy, history, account } = shelf
    const stored = [...shelf.updates]
    return Promise.resolve({ copy, marks, history, account, lacking: (update) => lackingIn(stored, update) })
  }

  append(update: Uint8Array, position: number | null): Promise<void> {
    if (this.#isClosed) return Promise.reject(new TidemarkError('document-closed'))
    this.#shelf.updates.push(update)
    if (position !== null) {
      this.#newest = Math.max(this.#newest, position)
      const mark = ofAccount({ from: 1, to: this.#newest }, this.#account)
      this.#mark(this.#opening, remainder(mark, this.#acknowledged))
    }
    return Promise.resolve()
  }

  acknowledge(acknowledged: Acknowledged): Promise<void> {
    this.#acknowledged = Math.max(this.#acknowledged, acknowledged.get(this.#opening) ?? 0)
    for (const [opening, position] of acknowledged) {
      const mark = this.#shelf.marks.get(opening)
      if (mark) this.#mark(opening, remainder(mark, position))
    }
    return Promise.resolve()
  }

  #mark(opening: string, mark: DirtyMark | null): void {
    if (mark) this.#shelf.marks.set(opening, mark)
    else this.#shelf.marks.delete(opening)
  }

  remember(history: History): Promise<void> {
    this.#shelf.history = history
    return Promise.resolve()
  }

  rememberAccount(account: string): Promise<void> {
    this.#shelf.account = account
    return Promise.resolve()
  }

  speakFor(account: string): Promise<void> {
    this.#account = account
    const mark = this.#shelf.marks.get(this.#opening)
    if (mark) this.#mark(this.#opening, ofAccount(mark, account))
    return Promise.resolve()
  }

  setCaretaker(): void {}

  setAside({ reason, at }: SetAside): Promise<void> {
    if (this.#isClosed) return Promise.reject(new TidemarkError('document-closed'))
    this.#shelf.setAside ??= { reason, at }
    return Promise.resolve()
  }

  readNew(): Promise<NewlyRead> {
    const { updates, marks, history } = this.#shelf
    bring(this.#doc, updates, this)
    return Promise.resolve({ marks: new Map(marks), history })
  }

  facts(): Promise<CopyFacts> {
    const { setAside, marks, history, account } = this.#shelf
    return Promise.resolve({ setAside, marks: new Map(marks), history, account })
  }

  close(): Promise<void> {
    if (!this.#isClosed && this.#shelf.updates.length > 1) {
      this.#shelf.updates = [mergeInGroups(this.#shelf.updates)]
    }
    this.#isClosed = true
    return Promise.resolve()
  }
}

/** @returns what does not decode */
function bring(doc: Y.Doc, updates: readonly Uint8Array[], origin: unknown): Uint8Array[] {
  const corrupt: Uint8Array[] = []
  transacting(doc, origin, () => {
    for (const update of updates) if (bringWithin(doc, update, origin).kind === 'unreadable') corrupt.push(update)
  })
  return corrupt
}
