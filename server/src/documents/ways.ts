import * as Y from 'yjs'
import { Brought, type Type } from './brought.ts'
import { slicesOf } from './slices.ts'
import type { Struct } from './structure.ts'

/**
 * How many items an update passes at most, when it is applied, on the way to its places (R6.51): an item stands between two
 * that were side by side for its writer, and a million others may have come between them since. Those that nobody else
 * wrote beside cost nothing. Of what the update brings itself no account is taken.
 * @param most counts up to here, and not much further
 */
export function wayOf(structs: readonly Struct[], document: Y.Doc, most: number): number {
  const ways = new Ways(structs, document, most)
  for (const struct of structs) {
    if (struct instanceof Y.Item) ways.add(struct)
    if (ways.passed > most) break
  }
  return ways.passed
}

/** What is applied at once passes no more: about a ms, or five where somebody took pains. */
const mostAtOnce = 100_000

/** Whether an update passes so many that it is better applied in turns; with what waits for it. */
export const goesFar = (structs: readonly Struct[], document: Y.Doc): boolean =>
  wayOf([...structs, ...releasedBy(structs, document)], document, mostAtOnce) > mostAtOnce

/** What Yjs keeps aside and looks through again when these come. */
function releasedBy(structs: readonly Struct[], { store: { pendingStructs } }: Y.Doc): readonly Struct[] {
  if (pendingStructs === null) return []
  const { missing, update } = pendingStructs
  const isMissing = ({ id, length }: Struct) => (missing.get(id.client) ?? Number.POSITIVE_INFINITY) < id.clock + length
  return structs.some(isMissing) ? Y.decodeUpdateV2(update).structs : []
}

/** Slices pass no more than this, or are of one item; and ten times the clients, each of which every slice costs as much. */
const mostInSlice = 500_000

/** An update in parts that do the same one after the other, none of which goes far, beginning with the first now. */
export function* inShortWays(update: Uint8Array, document: Y.Doc): Generator<Uint8Array, void> {
  const { structs } = Y.decodeUpdate(update)
  const most = mostInSlice + 10 * document.store.clients.size
  if (structs.length <= 1 || wayOf(structs, document, most) <= most) {
    yield update
    return
  }
  const half = { structs: structs.length >> 1, bytes: Number.POSITIVE_INFINITY }
  for (const slice of slicesOf(update, half)) if (slice.update) yield* inShortWays(slice.update, document)
}

/** An item has no less, in bytes: a kind, what it stands on, a content. */
const leastBytes = 4

/**
 * Of the small updates of a document that is loaded, tells those that must be cut up. Most need not be looked into: they
 * could not pass many even if each of their items passed all there are.
 */
export class SmallUpdates {
  readonly #document: Y.Doc
  #counted = 0
  /** No more than so many were added since they were counted. */
  #added = 0

  constructor(document: Y.Doc) {
    this.#document = document
  }

  /** So many bytes are applied next. */
  grow(bytes: number): void {
    // an item may split two others
    this.#added += bytes
  }

  /** Whether an update that is applied next goes far; false for one that cannot be cut up. */
  goesFar(update: Uint8Array): boolean {
    if (this.#added >= this.#counted) this.#count()
    this.grow(update.byteLength)
    if ((this.#counted + this.#added) * (update.byteLength / leastBytes) <= mostInSlice) return false
    try {
      if (wayOf(Y.decodeUpdate(update).structs, this.#document, mostInSlice) <= mostInSlice) return false
      for (const _ of slicesOf(update));
      return true
    } catch {
      return false
    }
  }

  #count(): void {
    this.#counted = this.#added = 0
    for (const structs of this.#document.store.clients.values()) this.#counted += structs.length
  }
}

/** Where an item of the update begins to look for its place, and where it looks no further. */
interface Place {
  /** The item to its left; the type at whose begin it stands. */
  start: Y.Item | Type
  /** null for the end. */
  end: Y.Item | null
}

class Ways {
  passed = 0
  readonly #document: Y.Doc
  readonly #most: number
  readonly #brought: Brought
  /** Of the items of the update that stand beside what the document has. */
  readonly #places = new Map<Struct, Place>()

  constructor(structs: readonly Struct[], document: Y.Doc, most: number) {
    this.#brought = new Brought(structs, document)
    this.#document = document
    this.#most = most
  }

  add(item: Y.Item): void {
    const { client, clock } = item.id
    const { store } = this.#document
    const known = Y.getState(store, client)
    if (clock + item.length <= known) return
    const origin = clock < known ? Y.createID(client, known - 1) : item.origin
    if (origin === null) this.#addAtBegin(item)
    else if (has(store, origin)) {
      const left = Y.getItem(store, origin)
      // behind what was collected it is collected as well; behind what the update brings it passes nothing else
      if (left instanceof Y.Item) this.#pass(item, left, left.right)
    }
  }

  #addAtBegin(item: Y.Item): void {
    const list = this.#brought.listOf(item)
    if (list === null) return
    const { type, key } = list
    const end = this.#endOf(item, type)
    this.#places.set(item, { start: type, end })
    if (key === null) {
      if (end === null || end.left !== null) this.#passTo(type._start, end)
      return
    }
    // to the first that was ever written under the key, and back, and there again when it becomes the first
    for (let before = type._map.get(key); before && this.passed <= this.#most; before = before.left ?? undefined)
      this.passed += 3
  }

  #pass(item: Y.Item, start: Y.Item, first: Y.Item | null): void {
    const end = this.#endOf(item, start)
    this.#places.set(item, { start, end })
    // within one that was whole there is nothing yet
    if (end !== start) this.#passTo(first, end)
  }

  #endOf({ rightOrigin }: Y.Item, start: Y.Item | Type): Y.Item | null {
    if (rightOrigin === null) return null
    const { store } = this.#document
    if (has(store, rightOrigin)) {
      const right = Y.getItem(store, rightOrigin)
      return right instanceof Y.Item ? right : null
    }
    // of what the update brought to the same place, and no farther
    const right = this.#brought.find(rightOrigin)
    const place = right && this.#places.get(right)
    return place?.start === start ? place.end : null
  }

  #passTo(first: Y.Item | null, end: Y.Item | null): void {
    for (let item = first; item !== null && item !== end && this.passed <= this.#most; item = item.right) this.passed++
  }
}

const has = (store: Y.Doc['store'], { client, clock }: Y.ID): boolean => clock < Y.getState(store, client)
