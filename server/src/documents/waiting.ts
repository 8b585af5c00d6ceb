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
    for (const { sizes } of sections) for (const size of sizes) this.#add(structs[at++] as Struct, size)
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

  #add(struct: Struct, size: number): void {
    if (struct instanceof Y.Skip) return
    const { client, clock } = struct.id
    const end = clock + struct.length
    if (clock <= this.#reachedBy(client) && !this.#lacksWhatItStandsOn(struct)) {
      this.#reached.set(client, Math.max(this.#reachedBy(client), end))
    } else if (!isWithin(keptAside(this.#store).structs.get(client), clock, end)) this.bytes += size + weightOf(struct)
  }

  #lacksWhatItStandsOn(struct: Struct): boolean {
    if (!(struct instanceof Y.Item)) return false
    return [struct.origin, struct.rightOrigin, struct.parent].some(
      (needed: unknown) => needed instanceof Y.ID && needed.clock >= this.#reachedBy(needed.client),
    )
  }

  #reachedBy(client: number): number {
    return this.#reached.get(client) ?? Y.getState(this.#store, client)
  }
}
