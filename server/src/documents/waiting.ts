import * as Y from 'yjs'
import type { Claims } from '../sockets/claims.ts'
import { deletionWeight, isWithin, keptAside, type Ranges, weightOf } from './kept-aside.ts'
import { type Slice, slicesOf } from './slices.ts'
import type { Struct } from './structure.ts'

/**
 * Why an update may not wait for what it stands on; null when it need not, or there is room. What waits is kept in memory
 * and looked through again with each edit, so it is bounded (R6.32); what is refused stays with its author.
 * @param brought how many bytes of it would wait that do not wait already
 * @param limit for all that waits in a document, in bytes
 */
export function excessOfWaiting({ store }: Y.Doc, brought: number, limit: number): string | null {
  if (brought === 0) return null
  const kept = keptAside(store).weight
  return kept + brought > limit ? `${brought} bytes that wait for others, beside ${kept}, of at most ${limit}` : null
}

/** The same, of an update that is small enough to be looked through in one go. */
export function waitsTooMuch(
  document: Y.Doc,
  update: Uint8Array,
  { structs, deletions }: { structs: readonly Struct[]; deletions: Claims['deletions'] },
  limit: number,
): string | null {
  // nearly all that ever comes is much smaller
  let most = update.byteLength + deletionWeight * countOf(deletions.clients)
  for (const struct of structs) most += weightOf(struct)
  if (excessOfWaiting(document, most, limit) === null) return null
  const reading = new WaitingReading(document)
  for (const slice of slicesOf(update)) if (slice.update) reading.add(slice, Y.decodeUpdate(slice.update))
  return excessOfWaiting(document, reading.bytes, limit)
}

function countOf(deletions: Ranges): number {
  let count = 0
  for (const ranges of deletions.values()) count += ranges.length
  return count
}

/** A client's structs in a part of an update. */
interface Section {
  readonly structs: readonly Struct[]
  /** In bytes. */
  readonly sizes: readonly number[]
  next: number
}

/**
 * Counts what of an update stands on what is neither in the document nor in itself. What waits already is not counted
 * another time: everybody who was told of it brings it again with what they bring next.
 */
export class WaitingReading {
  /** So far. A deletion counts more than its bytes. */
  bytes = 0
  readonly #store: Y.Doc['store']
  /** For each client, the clock up to which everything is there. */
  readonly #reached = new Map<number, number>()

  constructor({ store }: Y.Doc) {
    this.#store = store
  }

  /** Takes the next part: what it stands on is in itself or in an earlier one, as `slicesOf` cuts them. */
  add(
    { sections }: Pick<Slice, 'sections'>,
    { structs, ds }: Pick<ReturnType<typeof Y.decodeUpdate>, 'structs' | 'ds'>,
  ) {
    let at = 0
    this.#settle(sections.map(({ sizes }) => ({ structs: structs.slice(at, (at += sizes.length)), sizes, next: 0 })))
    for (const [client, ranges] of ds.clients) {
      const reached = this.#reachedBy(client)
      for (const { clock, len } of ranges) {
        if (
          clock + len <= reached ||
          isWithin(keptAside(this.#store).deletions.get(client), Math.max(clock, reached), clock + len)
        )
          continue
        this.bytes += deletionWeight
      }
    }
  }

  /** In the order in which Yjs integrates them: what a struct stands on first, wherever in the part that is. */
  #settle(sections: Section[]): void {
    /** By the client whose structs they wait for. */
    const held = new Map<number, Section[]>()
    const ready = [...sections].reverse()
    for (let section = ready.pop(); section; section = ready.pop()) {
      const begun = section.next
      const lacking = this.#take(section)
      if (lacking !== null) {
        const others = held.get(lacking)
        if (others) others.push(section)
        else held.set(lacking, [section])
      }
      const client = section.structs[0]?.id.client as number
      const freed = held.get(client)
      if (!freed || section.next === begun) continue
      held.delete(client)
      ready.push(...freed)
    }
    // what they stand on neither is there nor comes with them
    for (const waiting of held.values()) for (const section of waiting) while (this.#takeAside(section));
  }

  /** Goes through a client's structs as far as what they stand on is there. @returns whose are lacking; null at the end */
  #take(section: Section): number | null {
    for (let struct = section.structs[section.next]; struct; struct = section.structs[section.next]) {
      const { client, clock } = struct.id
      if (!(struct instanceof Y.Skip)) {
        if (clock > this.#reachedBy(client)) {
          // behind a hole, which nothing that comes later fills
          this.#takeAside(section)
          continue
        }
        const lacking = this.#lackingFor(struct)
        if (lacking !== null) return lacking
        this.#reached.set(client, Math.max(this.#reachedBy(client), clock + struct.length))
      }
      section.next++
    }
    return null
  }

  /** The next struct waits. @returns whether there was one */
  #takeAside(section: Section): boolean {
    const struct = section.structs[section.next]
    if (!struct) return false
    const size = section.sizes[section.next++] as number
    const { client, clock } = struct.id
    const isKept = isWithin(keptAside(this.#store).structs.get(client), clock, clock + struct.length)
    if (!isKept && !(struct instanceof Y.Skip)) this.bytes += size + weightOf(struct)
    return true
  }

  /** The client on whose struct it stands that is not there. */
  #lackingFor(struct: Struct): number | null {
    if (!(struct instanceof Y.Item)) return null
    for (const needed of [struct.origin, struct.rightOrigin, struct.parent] as unknown[]) {
      if (needed instanceof Y.ID && needed.clock >= this.#reachedBy(needed.client)) return needed.client
    }
    return null
  }

  #reachedBy(client: number): number {
    return this.#reached.get(client) ?? Y.getState(this.#store, client)
  }
}
