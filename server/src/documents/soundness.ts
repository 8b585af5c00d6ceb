import * as Y from 'yjs'
import type { Struct } from './structure.ts'

/**
 * What no honest client can have written in an update that decodes; null when there is nothing. Yjs throws over it, maybe
 * only when somebody else's edit brings what it waits for: then that edit is cut short, all that waits is forgotten, and the
 * document, loaded again, fails at the other's row (R6.30).
 */
export function flawOf(structs: readonly Struct[]): string | null {
  const ends = new Map<number, number>()
  let client: number | null = null
  for (const struct of structs) {
    const { id, length } = struct
    // what honest people write next would stand on it, and be refused
    if (!Number.isSafeInteger(id.client)) return 'a client that nobody can be'
    if (id.client !== client) {
      if (ends.has(id.client)) return 'the structs of a client do not stand together'
      client = id.client
    } else if (ends.get(client) !== id.clock) return 'the structs of a client do not follow each other'
    ends.set(client, id.clock + length)
    if (!(struct instanceof Y.Item)) continue
    if (standsOnItself(struct)) return 'an item that stands on itself, or on a later one of its client'
    if (standsBeyond(struct)) return 'an item that stands on what nobody can write'
  }
  return null
}

/** Yjs does not look whether what a client wrote before is there: it always is, when it was before. */
function standsOnItself({ id, origin, rightOrigin, parent }: Y.Item): boolean {
  const isNotBefore = (other: unknown) => other instanceof Y.ID && other.client === id.client && other.clock >= id.clock
  return isNotBefore(origin) || isNotBefore(rightOrigin) || isNotBefore(parent)
}

/**
 * Yjs counts clocks and positions in doubles; beyond this an update is an attack, not an edit. Of what waits Yjs notes the
 * differences of clocks: one that is too large for that moves the others, in what somebody else's edits stand on.
 */
export const largestClock = 2 ** 48

function standsBeyond({ origin, rightOrigin, parent }: Y.Item): boolean {
  const isBeyond = (other: unknown) =>
    other instanceof Y.ID && (other.clock > largestClock || !Number.isSafeInteger(other.client))
  return isBeyond(origin) || isBeyond(rightOrigin) || isBeyond(parent)
}
