import * as Y from 'yjs'
import { type DeleteSet, encodeUpdate, type Struct } from './encode.ts'

/** Cutting text costs about as many bytes: each piece names its neighbours. */
const shortestCut = 40

/**
 * What travels of a burst (D4.2): content that the same update deletes again (a value that was overwritten, text that
 * was typed and taken back) is left out, as a replica that collects its garbage would send it. Clocks and origins stay
 * as they are, so whatever knows the full content fits together with this.
 * @param update a V1 update; one that cannot be read, or holds nothing to leave out, is given back as it is
 */
export function latestOnly(update: Uint8Array): Uint8Array {
  try {
    const { structs, ds } = Y.decodeUpdate(update)
    const latest = withoutDeleted(structs, ds)
    return latest ? encodeUpdate(latest, ds) : update
  } catch {
    return update
  }
}

/** @returns null when there is nothing to leave out */
function withoutDeleted(structs: readonly Struct[], ds: DeleteSet): Struct[] | null {
  const latest: Struct[] = []
  let hasChanged = false
  for (const struct of structs) {
    const holes = struct instanceof Y.Item ? holesIn(struct, ds) : []
    for (const piece of holes.length > 0 ? pieces(struct as Y.Item, holes) : [struct]) {
      if (!joins(latest.at(-1), piece)) latest.push(piece)
    }
    hasChanged ||= holes.length > 0
  }
  return hasChanged ? latest : null
}

interface Hole {
  readonly from: number
  readonly to: number
}

/** The parts of an item whose content is deleted, in order and apart from each other. */
function holesIn(item: Y.Item, ds: DeleteSet): Hole[] {
  const { content, id, length } = item
  if (content instanceof Y.ContentDeleted) return []
  const ranges = ds.clients.get(id.client) ?? []
  const end = id.clock + length
  const holes: Hole[] = []
  for (let index = firstEndingAfter(ranges, id.clock); index < ranges.length; index++) {
    const { clock, len } = ranges[index]!
    if (clock >= end) break
    const from = Math.max(clock, holes.at(-1)?.to ?? id.clock)
    const to = Math.min(clock + len, end)
    const least = content instanceof Y.ContentString ? Math.min(shortestCut, length) : 1
    if (to - from >= least) holes.push({ from, to })
  }
  return holes
}

/** A delete set's ranges are sorted and apart from each other. */
function firstEndingAfter(ranges: readonly { readonly clock: number; readonly len: number }[], clock: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { clock: from, len } = ranges[middle]!
    if (from + len <= clock) low = middle + 1
    else high = middle
  }
  return low
}

function* pieces(item: Y.Item, holes: readonly Hole[]): Generator<Y.Item> {
  const { client, clock: start } = item.id
  const end = start + item.length
  let { content } = item
  let from = start
  const take = (to: number, isHole: boolean): Y.Item => {
    // before the rest is replaced: splitting shortens the left part in place
    const left = content
    if (to < end) content = left.splice(to - from)
    const piece = new Y.Item(
      Y.createID(client, from),
      null,
      from === start ? item.origin : Y.createID(client, from - 1),
      null,
      item.rightOrigin,
      item.parent,
      item.parentSub,
      isHole ? new Y.ContentDeleted(to - from) : left,
    )
    from = to
    return piece
  }
  for (const hole of holes) {
    if (hole.from > from) yield take(hole.from, false)
    yield take(hole.to, true)
  }
  if (from < end) yield take(end, false)
}

/** Fifty values of a key that are gone are one struct: each stands right behind the one before, and nothing between. */
function joins(left: Struct | undefined, right: Struct): boolean {
  if (!(left instanceof Y.Item && right instanceof Y.Item)) return false
  if (!(left.content instanceof Y.ContentDeleted && right.content instanceof Y.ContentDeleted)) return false
  const follows =
    left.id.client === right.id.client &&
    left.id.clock + left.length === right.id.clock &&
    Y.compareIDs(right.origin, left.lastId) &&
    Y.compareIDs(right.rightOrigin, left.rightOrigin)
  if (!follows) return false
  left.content.len += right.length
  left.length += right.length
  return true
}
