import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { isLong, piecesOf } from './long-lists.ts'
import { type Id, type Scanned, scanStruct, TooComplex } from './scan.ts'

export interface SliceSize {
  structs: number
  bytes: number
}

/** What an update may have, to be worth looking through to its end. */
export interface Bounds {
  /** Values in one insertion. */
  values: number
  clients: number
}

const boundless: Bounds = { values: Number.POSITIVE_INFINITY, clients: Number.POSITIVE_INFINITY }

/** Small enough that applying one is not felt by those who use other documents. */
const usual: SliceSize = { structs: 2_000, bytes: 256 * 1024 }

export interface Slice {
  /** To be applied; null when a part was only looked through: time to see to something else. */
  update: Uint8Array | null
  /** How many structs it brings. */
  structs: number
  /** How many deletions it brings. */
  deletions: number
  /** At most so many values stand within one of its values. */
  members: number
  /** How many values it brings, beyond one for each struct. */
  values: number
  /** Which clocks its structs take, and how many bytes each of them. */
  sections: readonly { client: number; clock: number; end: number; sizes: readonly number[] }[]
}

const nothing = { structs: 0, deletions: 0, members: 0, values: 0, sections: [] }

/** One client's structs in an update: where the next one is, and how many are left. */
interface Section {
  readonly client: number
  clock: number
  left: number
  at: number
  /** Of the slice that is being filled: where it began, and how many bytes each struct has that it has of this section. */
  begun: { clock: number; at: number; sizes: number[] } | null
  /** Somebody waits for its structs already. */
  isAwaited: boolean
}

/**
 * Cuts an update (V1) into updates that do the same when they are applied one after the other: what a struct stands
 * on is in its own slice or in an earlier one, so that Yjs never has to keep a part aside. The bytes of structs are
 * copied as they are, none is built.
 * @throws {TooComplex} when it goes beyond the bounds
 * @throws when the update does not decode
 */
export function* slicesOf(
  update: Uint8Array,
  size: SliceSize = usual,
  bounds: Bounds = boundless,
): Generator<Slice, void> {
  const decoder = decoding.createDecoder(update)
  const sections = new Map<number, Section>()
  yield* findSections(decoder, sections, size, bounds)
  const deletionsAt = decoder.pos
  yield* structSlices(update, sections, size)
  decoder.pos = deletionsAt
  yield* deletionSlices(decoder, size, bounds)
}

function countClients(decoder: decoding.Decoder, { clients }: Bounds): number {
  const count = decoding.readVarUint(decoder)
  if (count > clients) throw new TooComplex(`edits of more than ${clients} Yjs clients`)
  return count
}

function* findSections(
  decoder: decoding.Decoder,
  sections: Map<number, Section>,
  size: SliceSize,
  bounds: Bounds,
): Generator<Slice, void> {
  let scanned = 0
  for (let left = countClients(decoder, bounds); left > 0; left--) {
    const count = decoding.readVarUint(decoder)
    const client = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    if (sections.has(client)) throw new Error('a client comes twice')
    sections.set(client, { client, clock, left: count, at: decoder.pos, begun: null, isAwaited: false })
    for (let struct = 0; struct < count; struct++) {
      scanStruct(decoder, bounds.values)
      if (++scanned % (4 * size.structs) === 0) yield { update: null, ...nothing }
    }
  }
}

/** Goes through the structs as Yjs integrates them: higher clients first, what is missing before what needs it. */
function* structSlices(update: Uint8Array, sections: Map<number, Section>, size: SliceSize): Generator<Slice, void> {
  const decoder = decoding.createDecoder(update)
  const slice = new Filling(update)
  const missingIn = ({ needs }: Scanned, own: Section): { section: Section; need: Id } | null => {
    for (const need of needs) {
      const section = need.client === own.client ? undefined : sections.get(need.client)
      if (section && section.left > 0 && !section.isAwaited && need.clock >= section.clock) return { section, need }
    }
    return null
  }
  for (const first of [...sections.values()].sort((one, other) => other.client - one.client)) {
    const awaited: { section: Section; until: number }[] = [{ section: first, until: Number.POSITIVE_INFINITY }]
    first.isAwaited = true
    for (let top = awaited.at(-1); top; top = awaited.at(-1)) {
      const { section, until } = top
      if (section.left === 0 || section.clock > until) {
        section.isAwaited = false
        awaited.pop()
        continue
      }
      decoder.pos = section.at
      const scanned = scanStruct(decoder)
      const missing = missingIn(scanned, section)
      if (missing) {
        missing.section.isAwaited = true
        awaited.push({ section: missing.section, until: missing.need.clock })
        continue
      }
      if (scanned.isList && isLong(scanned.length, decoder.pos - section.at)) {
        if (slice.structs > 0) yield slice.finish()
        yield* listSlices(update, section)
        section.left -= 1
        section.at = decoder.pos
        continue
      }
      slice.take(section, scanned, decoder.pos)
      if (slice.structs >= size.structs || slice.bytes >= size.bytes) yield slice.finish()
    }
  }
  if (slice.structs > 0) yield slice.finish()
}

/** A long list in slices of its own: Yjs copies all of one whenever something in it is deleted. */
function* listSlices(update: Uint8Array, section: Section): Generator<Slice, void> {
  for (const { struct, length, members, values } of piecesOf(update, section)) {
    const { client, clock } = section
    section.clock += length
    const encoder = encoding.createEncoder()
    for (const number of [1, 1, client, clock]) encoding.writeVarUint(encoder, number)
    encoding.writeUint8Array(encoder, struct)
    encoding.writeVarUint(encoder, 0)
    const sections = [{ client, clock, end: section.clock, sizes: [struct.byteLength] }]
    yield { update: encoding.toUint8Array(encoder), structs: 1, deletions: 0, members, values: values - 1, sections }
  }
}

/** The slice that is being filled. */
class Filling {
  structs = 0
  bytes = 0
  #members = 0
  #values = 0
  readonly #update: Uint8Array
  readonly #sections: Section[] = []

  constructor(update: Uint8Array) {
    this.#update = update
  }

  /** Takes the section's next struct, which ends at `end`. */
  take(section: Section, { length, members, values }: Scanned, end: number): void {
    if (!section.begun) {
      section.begun = { clock: section.clock, at: section.at, sizes: [] }
      this.#sections.push(section)
    }
    section.begun.sizes.push(end - section.at)
    this.structs += 1
    this.#members = Math.max(this.#members, members)
    this.#values += Math.max(0, values - 1)
    this.bytes += end - section.at
    section.left -= 1
    section.clock += length
    section.at = end
  }

  finish(): Slice {
    const sections: Slice['sections'][number][] = []
    const slice = { structs: this.structs, deletions: 0, members: this.#members, values: this.#values, sections }
    const encoder = encoding.createEncoder()
    // Yjs writes higher clients first, and what merges updates relies on it: in another order it would lose some
    this.#sections.sort((one, other) => other.client - one.client)
    encoding.writeVarUint(encoder, this.#sections.length)
    for (const section of this.#sections) {
      const { clock, at, sizes } = section.begun as NonNullable<Section['begun']>
      sections.push({ client: section.client, clock, end: section.clock, sizes })
      encoding.writeVarUint(encoder, sizes.length)
      encoding.writeVarUint(encoder, section.client)
      encoding.writeVarUint(encoder, clock)
      encoding.writeUint8Array(encoder, this.#update.subarray(at, section.at))
      section.begun = null
    }
    // no deletions: they come when everything is there
    encoding.writeVarUint(encoder, 0)
    this.#sections.length = 0
    this.structs = 0
    this.bytes = 0
    this.#members = 0
    this.#values = 0
    return { update: encoding.toUint8Array(encoder), ...slice }
  }
}

function* deletionSlices(decoder: decoding.Decoder, size: SliceSize, bounds: Bounds): Generator<Slice, void> {
  for (let clients = countClients(decoder, bounds); clients > 0; clients--) {
    const client = decoding.readVarUint(decoder)
    for (let left = decoding.readVarUint(decoder); left > 0; ) {
      const count = Math.min(left, size.structs)
      left -= count
      const encoder = encoding.createEncoder()
      // no structs, the deletions of one client
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, count)
      for (let index = 0; index < 2 * count; index++) encoding.writeVarUint(encoder, decoding.readVarUint(decoder))
      yield { update: encoding.toUint8Array(encoder), ...nothing, deletions: count }
    }
  }
}
