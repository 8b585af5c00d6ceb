import * as Y from 'yjs'
import { findAt, StructsByClient } from './structs-by-client.ts'
import type { Struct } from './structure.ts'

/** The depth at which an item stands that was integrated: 1 in a type of the document's own. */
export function depthInDocument(item: Y.Item): number {
  let depth = 1
  let holder = (item.parent as Y.AbstractType<unknown> | null)?._item
  while (holder) {
    depth++
    holder = (holder.parent as Y.AbstractType<unknown> | null)?._item
  }
  return depth
}

/** How deep the items of an update will stand. Each is looked at once, however they stand on each other. */
export class Depths {
  readonly #structs: StructsByClient
  readonly #outside: (id: Y.ID) => number
  /** 0 while it is being found out: items that stand on each other in a circle stand nowhere. */
  readonly #known = new Map<Y.Item, number>()

  /** @param outside how deep what is not among them stands */
  constructor(structs: readonly Struct[], outside: (id: Y.ID) => number) {
    this.#outside = outside
    this.#structs = new StructsByClient(structs)
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

  /** What tells where an item stands; or, as a number, how deep that is. */
  #above(item: Y.Item): { place: Y.Item | number; isBelow: boolean } {
    const { id, isBelow } = standsOn(item)
    return { place: id ? this.#find(id) : 0, isBelow }
  }

  #find(id: Y.ID): Y.Item | number {
    const here = this.#structs.find(id)
    return here instanceof Y.Item ? here : this.#outside(id)
  }
}

/** Some clocks of a client, up to `end`, which stand equally deep. */
interface Run {
  clock: number
  end: number
  depth: number
}

/**
 * How deep the items of an update will stand that is read in parts, in the order in which they are applied: what an item
 * stands on is in its own part or in an earlier one. Keeps a number for each run of items, and none of the items.
 */
export class DepthsInOrder {
  readonly #runs = new Map<number, Run[]>()
  readonly #document: Y.Doc | null

  constructor(document: Y.Doc | null) {
    this.#document = document
  }

  add(structs: readonly Struct[]): void {
    const depths = new Depths(structs, (id) => this.at(id))
    for (const struct of structs) {
      if (!(struct instanceof Y.Item)) continue
      const { client, clock } = struct.id
      const end = clock + struct.length
      const depth = depths.of(struct)
      const runs = this.#runs.get(client) ?? []
      if (runs.length === 0) this.#runs.set(client, runs)
      const last = runs.at(-1)
      if (last?.end === clock && last.depth === depth) last.end = end
      else runs.push({ clock, end, depth })
    }
  }

  at(id: Y.ID): number {
    const run = findAt(this.#runs.get(id.client) ?? [], id.clock, (run) => run)
    return run ? run.depth : depthAt(this.#document, id)
  }
}

/** What tells where an item stands: one whose type it is in, or one beside it; null in a type of the document's own. */
function standsOn({ parent, origin, rightOrigin }: Y.Item): { id: Y.ID | null; isBelow: boolean } {
  if (typeof parent === 'string') return { id: null, isBelow: true }
  if (parent instanceof Y.ID) return { id: parent, isBelow: true }
  return { id: origin ?? rightOrigin, isBelow: false }
}

/** How deep the item stands that the document has there; 0 when it has none. */
export function depthAt(document: Y.Doc | null, { client, clock }: Y.ID): number {
  const { store } = document ?? {}
  if (!store || clock >= Y.getState(store, client)) return 0
  const structs = store.clients.get(client) as (Y.Item | Y.GC)[]
  const there = structs[Y.findIndexSS(structs, clock)]
  return there instanceof Y.Item ? depthInDocument(there) : 0
}
