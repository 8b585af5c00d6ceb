import * as Y from 'yjs'
import type { Claims } from '../sockets/claims.ts'
import { type Slice, slicesOf } from './slices.ts'
import type { Struct } from './structure.ts'

/** What a deletion that waits counts for, in bytes: Yjs tries each of them again with each edit of anybody. */
const rangeWeight = 64
/** In what Yjs keeps aside a range takes about two bytes. */
const keptWeight = rangeWeight / 2

type Ranges = ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>

/**
 * Why an update may not wait for what it stands on; null when it need not, or there is room. What waits is kept in memory
 * and looked through again with each edit, so it is bounded (R6.32); what is refused stays with its author.
 * @param claims what the update says it brings
 * @param limit for all that waits in a document, in bytes
 * @param waits how many bytes of it would wait that do not wait already; read only when there may be too many
 */
export function excessOfWaiting(
  { store }: Y.Doc,
  { byteLength }: { readonly byteLength: number },
  { deletions }: Pick<Claims, 'deletions'>,
  limit: number,
  waits: () => number,
): string | null {
  const kept = (store.pendingStructs?.update.byteLength ?? 0) + keptWeight * (store.pendingDs?.byteLength ?? 0)
  // an upper bound will do, for nearly all that ever comes
  if (kept + byteLength + rangeWeight * countOf(deletions.clients) <= limit) return null
  const brought = waits()
  if (brought === 0 || kept + brought <= limit) return null
  return `${brought} bytes that wait for others, beside ${kept}, of at most ${limit}`
}

/** The same, of an update that is small enough to be looked through in one go. */
export function waitsTooMuch(
  document: Y.Doc,
  update: Uint8Array,
  claims: Pick<Claims, 'deletions'>,
  limit: number,
): string | null {
  return excessOfWaiting(document, update, claims, limit, () => {
    const reading = new WaitingReading(document)
    for (const slice of slicesOf(update)) if (slice.update) reading.add(slice, Y.decodeUpdate(slice.update))
    return reading.bytes
  })
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
  #kept: { structs: Ranges; deletions: Ranges } | null = null

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
          isWithin(this.#keptAside().deletions.get(client), Math.max(clock, reached), clock + len)
        )
          continue
        this.bytes += rangeWeight
      }
    }
  }

  #add(struct: Struct, size: number): void {
    if (struct instanceof Y.Skip) return
    const { client, clock } = struct.id
    const end = clock + struct.length
    if (clock <= this.#reachedBy(client) && !this.#lacksWhatItStandsOn(struct)) {
      this.#reached.set(client, Math.max(this.#reachedBy(client), end))
    } else if (!isWithin(this.#keptAside().structs.get(client), clock, end)) this.bytes += size
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

  /** What Yjs keeps aside already. */
  #keptAside() {
    const { pendingStructs, pendingDs } = this.#store
    this.#kept ??= {
      structs: pendingStructs ? rangesOf(Y.decodeUpdateV2(pendingStructs.update).structs) : new Map(),
      deletions: pendingDs ? Y.decodeUpdateV2(pendingDs).ds.clients : new Map(),
    }
    return this.#kept
  }
}

/** Which clocks they take, in order. */
function rangesOf(structs: readonly Struct[]): Ranges {
  const ranges = new Map<number, { clock: number; len: number }[]>()
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    const { client, clock } = struct.id
    const known = ranges.get(client) ?? []
    const last = known.at(-1)
    if (last && last.clock + last.len === clock) last.len += struct.length
    else known.push({ clock, len: struct.length })
    ranges.set(client, known)
  }
  return ranges
}

const isWithin = (
  ranges: Ranges extends ReadonlyMap<number, infer Some> ? Some | undefined : never,
  from: number,
  end: number,
) => ranges?.some(({ clock, len }) => clock <= from && end <= clock + len) === true
