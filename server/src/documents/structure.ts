import * as Y from 'yjs'
import { someNews } from './news.ts'

/** Of an update that was decoded. */
export type Struct = ReturnType<typeof Y.decodeUpdate>['structs'][number]

/** What a document may be like, beside its size: some of Yjs calls itself for each level, or looks at each level again. */
export interface StructureLimits {
  /** How deep types may stand within types, as a paragraph in a cell in a row in a table. */
  readonly typeDepth: number
  /** How deep a value may be that stands at one place: JSON within JSON. */
  readonly valueDepth: number
  /** How many documents may stand within a document. */
  readonly subdocuments: number
}

/**
 * What is too much in an update that was decoded and not applied; null when nothing is. What the update stands on and the
 * document does not have yet counts as nothing: {@link isTooDeep} sees it when it is there.
 * @param document null before it is open
 */
export function excessOf(structs: readonly Struct[], document: Y.Doc | null, limits: StructureLimits): string | null {
  let depths: Depths | null = null
  let subdocuments = 0
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue
    const { content } = struct
    if (content instanceof Y.ContentString || content instanceof Y.ContentDeleted) continue
    if (content instanceof Y.ContentType) {
      depths ??= new Depths(structs, document)
      if (depths.of(struct) > limits.typeDepth) return `types within types, more than ${limits.typeDepth} deep`
    } else if (content instanceof Y.ContentDoc) {
      subdocuments++
    } else if (valuesOf(content).some((value) => isDeeper(value, limits.valueDepth))) {
      return `a value that is more than ${limits.valueDepth} deep`
    }
  }
  if (subdocuments > 0 && subdocuments + (document?.subdocs.size ?? 0) > limits.subdocuments) {
    return `more than ${limits.subdocuments} documents within a document`
  }
  return null
}

/** Whether a transaction brought types that stand deeper than they may, with all that had waited for it. */
export function isTooDeep(transaction: Y.Transaction, limit: number): boolean {
  return someNews(
    transaction,
    (struct) => struct instanceof Y.Item && struct.content instanceof Y.ContentType && depthInDocument(struct) > limit,
  )
}

/** The depth at which an item stands that was integrated: 1 in a type of the document's own. */
function depthInDocument(item: Y.Item): number {
  let depth = 1
  let holder = (item.parent as Y.AbstractType<unknown> | null)?._item
  while (holder) {
    depth++
    holder = (holder.parent as Y.AbstractType<unknown> | null)?._item
  }
  return depth
}

/** How deep the items of an update will stand. Each is looked at once, however they stand on each other. */
class Depths {
  readonly #structs = new Map<number, Struct[]>()
  readonly #document: Y.Doc | null
  /** 0 while it is being found out: items that stand on each other in a circle stand nowhere. */
  readonly #known = new Map<Y.Item, number>()

  constructor(structs: readonly Struct[], document: Y.Doc | null) {
    this.#document = document
    for (const struct of structs) {
      const { client } = struct.id
      const ofClient = this.#structs.get(client)
      if (ofClient) ofClient.push(struct)
      else this.#structs.set(client, [struct])
    }
  }

  of(item: Y.Item): number {
    const path: { item: Y.Item; isBelow: boolean }[] = []
    let depth = 0
    for (let next: Y.Item | null = item; next; ) {
      const known = this.#known.get(next)
      if (known !== undefined) {
        depth = known
        break
      }
      this.#known.set(next, 0)
      const above = this.#above(next)
      path.push({ item: next, isBelow: above.isBelow })
      if (typeof above.place === 'number') {
        depth = above.place
        break
      }
      next = above.place
    }
    for (const { item, isBelow } of path.reverse()) {
      if (isBelow) depth++
      this.#known.set(item, depth)
    }
    return depth
  }

  /** What tells where an item stands: one beside it, or one whose type it is in; or, as a number, how deep that is. */
  #above({ parent, origin, rightOrigin }: Y.Item): { place: Y.Item | number; isBelow: boolean } {
    if (typeof parent === 'string') return { place: 0, isBelow: true }
    if (parent instanceof Y.ID) return { place: this.#find(parent), isBelow: true }
    const beside = origin ?? rightOrigin
    return beside ? { place: this.#find(beside), isBelow: false } : { place: 0, isBelow: false }
  }

  #find({ client, clock }: Y.ID): Y.Item | number {
    const here = findIn(this.#structs.get(client) ?? [], clock)
    if (here instanceof Y.Item) return here
    const { store } = this.#document ?? {}
    if (!store || clock >= Y.getState(store, client)) return 0
    const structs = store.clients.get(client) as (Y.Item | Y.GC)[]
    const there = structs[Y.findIndexSS(structs, clock)]
    return there instanceof Y.Item ? depthInDocument(there) : 0
  }
}

/** The structs of a client stand in the order of their clocks. */
function findIn(structs: readonly Struct[], clock: number): Struct | null {
  let from = 0
  let to = structs.length - 1
  while (from <= to) {
    const middle = (from + to) >> 1
    const struct = structs[middle] as Struct
    if (clock < struct.id.clock) to = middle - 1
    else if (clock >= struct.id.clock + struct.length) from = middle + 1
    else return struct
  }
  return null
}

function valuesOf(content: Y.Item['content']): readonly unknown[] {
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) return content.arr
  if (content instanceof Y.ContentEmbed) return [content.embed]
  if (content instanceof Y.ContentFormat) return [content.value]
  return []
}

/** Without recursion: what is looked for is what recursion does not survive. */
function isDeeper(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const below: unknown[] = []
    for (const member of level) {
      if (typeof member !== 'object' || member === null || member instanceof Uint8Array) continue
      if (depth === limit) return true
      for (const value of Object.values(member)) if (typeof value === 'object' && value !== null) below.push(value)
    }
    level = below
  }
  return false
}
