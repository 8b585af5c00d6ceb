import * as Y from 'yjs'

/**
 * Finds the place of an item between whose neighbours others have come to stand: the same place as Yjs (13.6) finds, whose
 * own search then has nothing left to do. Yjs keeps two sets of all that it passes, and looks into both at each step. What
 * it wants to know is nearly always plain from the item that was passed last (R6.50).
 */
export function settle(item: Y.Item, { doc: { store } }: Y.Transaction): void {
  const { left, right } = item
  if (left ? left.right === right : right !== null && right.left === null) return
  const first = left ? left.right : firstBeside(item)
  if (first === null) return
  const found = leftOf(item, first, store)
  item.left = found
  item.right = found ? found.right : first
}

/** The first of the list, or of all that was ever written under the key. */
function firstBeside({ parent, parentSub }: Y.Item): Y.Item | null {
  const { _start: start, _map: map } = parent as Y.AbstractType<unknown>
  if (parentSub === null) return start
  let first = map.get(parentSub) ?? null
  while (first?.left) first = first.left
  return first
}

/**
 * What is passed stands in groups: one that has the item's own origin, and behind it all that stands on that, and on that
 * again. By the first of a group it is decided whether the item belongs behind the whole group.
 */
function leftOf(item: Y.Item, first: Y.Item, store: Y.Doc['store']): Y.Item | null {
  const { origin, rightOrigin, right } = item
  const { client } = item.id
  let { left } = item
  let isBehind = false
  let before: Y.Item | null = null
  for (let next: Y.Item | null = first; next !== null && next !== right; next = next.right) {
    if (Y.compareIDs(origin, next.origin)) {
      isBehind = next.id.client < client
      if (!isBehind && Y.compareIDs(rightOrigin, next.rightOrigin)) break
    } else if (!standsInGroup(next, before, origin, store)) {
      if (!standsOnOneOf(first, next, store)) break
      return leftOfCrossing(item, first, store)
    }
    if (isBehind) left = next
    before = next
  }
  return left
}

/**
 * Whether an item stands on the one before it, or on what that stands on, within their group: each step up leaves behind
 * what no later item can stand on, so that all of them together are no more than the items.
 */
function standsInGroup(item: Y.Item, before: Y.Item | null, top: Y.ID | null, store: Y.Doc['store']): boolean {
  if (item.origin === null || before === null) return false
  if (isPartOf(before, item.origin)) return true
  const wanted = Y.getItem(store, item.origin)
  let above = before
  while (!Y.compareIDs(above.origin, top)) {
    above = itemAt(above.origin as Y.ID, above.left, store)
    if (above === wanted) return true
  }
  return false
}

const itemAt = (id: Y.ID, guess: Y.Item | null, store: Y.Doc['store']): Y.Item =>
  guess && isPartOf(guess, id) ? guess : Y.getItem(store, id)

function isPartOf({ id, length }: Y.Item, part: Y.ID): boolean {
  return part === id || (part.client === id.client && part.clock >= id.clock && part.clock < id.clock + length)
}

/** Whether what the last of some items stands on is among them. */
function standsOnOneOf(first: Y.Item, last: Y.Item, store: Y.Doc['store']): boolean {
  if (last.origin === null) return false
  const wanted = Y.getItem(store, last.origin)
  for (let next: Y.Item | null = first; next !== null; next = next.right) {
    if (next === wanted) return true
    if (next === last) break
  }
  return false
}

/**
 * The same where groups cross each other, which no honest client writes: step by step as Yjs does it, but for its sets, from
 * which an order is kept here.
 */
function leftOfCrossing(item: Y.Item, first: Y.Item, store: Y.Doc['store']): Y.Item | null {
  const { origin, rightOrigin, right } = item
  const passed = new Passed(store)
  let { left } = item
  let leftAt = 0
  let before: Y.Item | null = null
  let at = 1
  for (let next: Y.Item | null = first; next !== null && next !== right; next = next.right) {
    passed.add(next, at)
    let isBehind: boolean
    if (Y.compareIDs(origin, next.origin)) {
      isBehind = next.id.client < item.id.client
      if (!isBehind && Y.compareIDs(rightOrigin, next.rightOrigin)) break
    } else {
      if (next.origin === null) break
      const stoodOn = before && isPartOf(before, next.origin) ? at - 1 : passed.at(next.origin)
      if (stoodOn === 0) break
      isBehind = stoodOn <= leftAt
    }
    if (isBehind) {
      left = next
      leftAt = at
    }
    before = next
    at++
  }
  return left
}

/** In which order items were passed, from 1: a number beside each of them where the document has it. */
class Passed {
  readonly #clients = new Map<number, { structs: (Y.Item | Y.GC)[]; order: Int32Array; last: number }>()
  readonly #store: Y.Doc['store']

  constructor(store: Y.Doc['store']) {
    this.#store = store
  }

  add(item: Y.Item, at: number): void {
    const { client, clock } = item.id
    let known = this.#clients.get(client)
    if (!known) {
      const structs = this.#store.clients.get(client) ?? []
      known = { structs, order: new Int32Array(structs.length), last: -1 }
      this.#clients.set(client, known)
    }
    const { structs, last } = known
    // most often it is the next one of its client
    known.last = structs[last + 1] === item ? last + 1 : Y.findIndexSS(structs, clock)
    known.order[known.last] = at
  }

  /** 0 when it was not passed. */
  at({ client, clock }: Y.ID): number {
    const known = this.#clients.get(client)
    return known?.order[Y.findIndexSS(known.structs, clock)] ?? 0
  }
}
