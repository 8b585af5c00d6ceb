import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { isWithin, keptAside } from '../documents/kept-aside.ts'
import { slicesOf } from '../documents/slices.ts'
import { flawOf, largestClock } from '../documents/soundness.ts'

/** What an update says it brings, to be compared with the document after it was applied. */
export interface Claims {
  /** For each Yjs client, the clock behind its last struct. */
  readonly ends: ReadonlyMap<number, number>
  /** For each of them, the clock at which its structs begin. */
  readonly begins: ReadonlyMap<number, number>
  /** It brings something that is not deleted already. */
  readonly bringsContent: boolean
  readonly deletions: ReturnType<typeof Y.decodeUpdate>['ds']
}

/** No structs, no deletions: two zeros. */
const emptyUpdateBytes = 2

/** @throws when the update does not decode, or counts where no honest client counts (R6.3) */
export function readClaims(update: Uint8Array): Claims {
  return claimsOf(update, Y.decodeUpdate(update))
}

/** @throws when the update counts where no honest client counts (R6.3) */
export function claimsOf(update: Uint8Array, decoded: Decoded): Claims {
  const reading = new ClaimsReading()
  reading.add(decoded)
  refuseClientsTwice(update, decoded.structs)
  return reading.end(update)
}

/**
 * Of what stands there in two places Yjs takes the last, without a word of the other.
 * @throws when a client comes twice
 */
function refuseClientsTwice(update: Uint8Array, structs: Decoded['structs']): void {
  const clients = new Set<number>()
  let current: number | null = null
  for (const { id } of structs) {
    if (id.client !== current) clients.add(id.client)
    current = id.client
  }
  if (clients.size === decoding.readVarUint(decoding.createDecoder(update))) return
  // Nothing that is known writes it so. Cutting it up looks at each part.
  for (const _ of slicesOf(update));
}

type Decoded = Pick<ReturnType<typeof Y.decodeUpdate>, 'structs' | 'ds'>

/** Reads the claims of an update that is decoded in parts. */
export class ClaimsReading {
  readonly #ends = new Map<number, number>()
  readonly #begins = new Map<number, number>()
  readonly #deletions = Y.createDeleteSet()
  #bringsContent = false
  #structs = 0

  get ends(): Claims['ends'] {
    return this.#ends
  }

  /** @throws when the part counts where no honest client counts (R6.3) */
  add({ structs, ds }: Decoded): void {
    const ends = this.#ends
    const begins = this.#begins
    this.#structs += structs.length
    const flaw = flawOf(structs)
    if (flaw) throw new Error(flaw)
    for (const struct of structs) {
      const { client, clock } = struct.id
      const end = clock + struct.length
      if (end > largestClock) throw new Error('clock out of range')
      // stored, it makes Yjs throw in everybody who opens the document
      if (struct.length === 0) throw new Error('a struct of no length')
      if (struct instanceof Y.Item && !(struct.content instanceof Y.ContentDeleted)) this.#bringsContent = true
      if (struct instanceof Y.Skip) continue
      if (!begins.has(client)) begins.set(client, clock)
      if (end > (ends.get(client) ?? 0)) ends.set(client, end)
    }
    for (const [client, ranges] of ds.clients) {
      for (const { clock, len } of ranges) {
        if (clock + len > largestClock) throw new Error('clock out of range')
        if (len === 0) throw new Error('a deletion of no length')
      }
      const earlier = this.#deletions.clients.get(client)
      if (!earlier) this.#deletions.clients.set(client, ranges)
      else for (const range of ranges) earlier.push(range)
    }
  }

  /** Structs that were not decoded. */
  addRange(client: number, clock: number, end: number): void {
    this.#structs++
    if (!this.#begins.has(client)) this.#begins.set(client, clock)
    if (end > (this.#ends.get(client) ?? 0)) this.#ends.set(client, end)
  }

  /** @throws when nothing was read of an update that has something in it */
  end({ byteLength }: Uint8Array): Claims {
    // An update in Yjs's other encoding (V2) reads like an empty one with bytes behind it: it would be acknowledged and lost.
    if (this.#structs === 0 && this.#deletions.clients.size === 0 && byteLength > emptyUpdateBytes) {
      throw new Error('not an update of this encoding')
    }
    return {
      ends: this.#ends,
      begins: this.#begins,
      bringsContent: this.#bringsContent,
      deletions: this.#deletions,
    }
  }
}

/**
 * Whether the document holds what the update claimed. It may not, with no word from anybody: an update that decodes can
 * still make Yjs throw, and `y-protocols` writes that to the console and goes on, up to the acknowledgement.
 */
export function isApplied(
  { store }: Y.Doc,
  { ends, deletions }: Pick<Claims, 'ends'> & { deletions: Pick<Claims['deletions'], 'clients'> },
): boolean {
  for (const [client, end] of ends) if (Y.getState(store, client) < end) return false
  for (const [client, ranges] of deletions.clients) {
    const structs = store.clients.get(client)
    for (const { clock, len } of ranges) {
      if (!structs || clock + len > Y.getState(store, client)) return false
      if (!isDeletedAt(structs, clock) || !isDeletedAt(structs, clock + len - 1)) return false
    }
  }
  return true
}

function isDeletedAt(structs: (Y.Item | Y.GC)[], clock: number): boolean {
  return structs[Y.findIndexSS(structs, clock)]?.deleted === true
}

/**
 * Whether all that a document lacks of an update is kept aside by Yjs for want of predecessors: in memory only, and it
 * emits nothing for it. Reads what is kept aside, so it is asked only about updates that are not applied.
 */
export function isHeldBack({ store }: Y.Doc, { ends, deletions }: Claims): boolean {
  const kept = keptAside(store)
  for (const [client, end] of ends) {
    if (Y.getState(store, client) >= end) continue
    const isKept = kept.structs.get(client)?.some(({ clock, len }) => clock + len >= end) === true
    if (!isKept) return false
  }
  for (const [client, ranges] of deletions.clients) {
    const state = Y.getState(store, client)
    for (const { clock, len } of ranges) {
      if (clock < state && !isRangeDeleted(store.clients.get(client) ?? [], clock, Math.min(clock + len, state) - 1))
        return false
      const from = Math.max(clock, state)
      if (from < clock + len && !isWithin(kept.deletions.get(client), from, clock + len)) return false
    }
  }
  return true
}

const isRangeDeleted = (structs: (Y.Item | Y.GC)[], first: number, last: number): boolean =>
  isDeletedAt(structs, first) && isDeletedAt(structs, last)
