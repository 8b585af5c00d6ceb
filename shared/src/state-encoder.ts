import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** Work in slices that nobody feels: a slice is over after some ms, and then others come first. */
export interface Pace {
  /** This slice's time is used up. */
  isOver(): boolean
  /** Lets others do what they have to; a new slice begins when it resolves. */
  rest(): Promise<void>
}

/** A document as somebody needs it who has some of it, or nothing. */
export interface EncodedState {
  /**
   * A valid update; byte for byte what `Y.encodeStateAsUpdate` gives when nothing changes meanwhile and nothing waits in
   * the document for edits that are missing.
   */
  readonly update: Uint8Array
  /** Where in `update` the deletions begin. */
  readonly deletionsAt: number
  /** How much of each client's edits somebody has who has applied it, encoded. */
  readonly vector: Uint8Array
  /** What waits in the document for edits that are missing, as an update of its own. */
  readonly pending: Uint8Array | null
}

/** Clock and length, alternating; in order. */
type Ranges = number[]

interface ClientState {
  readonly client: number
  /** Edits up to here are known to whom it is for: only what was deleted of them is written. */
  readonly known: number
  /** Edits from here on came after the encoding began, and are not asked for. */
  readonly end: number
  readonly parts: Uint8Array[]
  count: number
  /** Up to where it is written. */
  clock: number
  readonly deleted: Ranges
}

/** An encoder is emptied into a part of its own beyond this size, so that no single copy is long. */
const partSize = 1 << 16

/**
 * Encodes a document in slices, while it is being edited, deleted from and tidied up in between.
 * The result holds everything that was in the document when it began. Of what came after that it may hold some
 * content, and it holds every deletion of content that it has: a struct may be gone from the document in one slice
 * whose parent was written as present in an earlier one.
 * @param known how much of each client's edits is known to whom it is for
 * @param room so many bytes are left free before `update` in its buffer, so that a frame around it needs no copy
 * @throws what `pace.rest` throws, when it is to be given up
 */
export async function encodeInSlices(
  doc: Y.Doc,
  pace: Pace,
  known: ReadonlyMap<number, number> = new Map(),
  room = 0,
): Promise<EncodedState> {
  const { pendingStructs, pendingDs } = doc.store
  const waiting = [pendingDs, pendingStructs?.update].filter((update) => update instanceof Uint8Array)
  const later = new Map<number, Ranges>()
  const note = ({ deleteSet }: Y.Transaction) => {
    for (const [client, items] of deleteSet.clients) {
      const ranges = later.get(client) ?? []
      later.set(client, ranges)
      for (const { clock, len } of items) ranges.push(clock, len)
    }
  }
  doc.on('afterTransaction', note)
  try {
    const states = statesOf(doc, known)
    for (const state of states) {
      await passKnown(doc, state, pace)
      await writeStructs(doc, state, pace)
    }
    return {
      ...(await assemble(states, later, pace, room)),
      vector: Y.encodeStateVector(new Map(states.map(({ client, clock }) => [client, clock]))),
      pending: waiting.length > 0 ? Y.convertUpdateFormatV2ToV1(Y.mergeUpdatesV2(waiting)) : null,
    }
  } finally {
    doc.off('afterTransaction', note)
  }
}

/** In the order of `Y.encodeStateAsUpdate`: higher clients first, which makes conflicts cheap to resolve. */
function statesOf(doc: Y.Doc, knownClocks: ReadonlyMap<number, number>): ClientState[] {
  const states: ClientState[] = []
  for (const [client, structs] of doc.store.clients) {
    const last = structs.at(-1)
    if (!last) continue
    const end = last.id.clock + last.length
    const known = Math.min(end, knownClocks.get(client) ?? 0)
    states.push({ client, known, end, parts: [], count: 0, clock: 0, deleted: [] })
  }
  return states.sort((a, b) => b.client - a.client)
}

/** Of what is known only what was deleted is noted. */
async function passKnown(doc: Y.Doc, state: ClientState, pace: Pace): Promise<void> {
  while (state.clock < state.known) {
    walk(doc, state, state.known, pace, (struct) => Math.min(state.known, endOf(struct)))
    if (pace.isOver()) await pace.rest()
  }
}

async function writeStructs(doc: Y.Doc, state: ClientState, pace: Pace): Promise<void> {
  let encoder = new Y.UpdateEncoderV1()
  const part = () => {
    state.parts.push(encoder.toUint8Array())
    encoder = new Y.UpdateEncoderV1()
  }
  while (state.clock < state.end) {
    walk(doc, state, state.end, pace, (struct) => {
      struct.write(encoder, state.clock - struct.id.clock)
      state.count++
      return endOf(struct)
    })
    if (encoding.length(encoder.restEncoder) >= partSize) part()
    if (pace.isOver()) await pace.rest()
  }
  part()
}

/**
 * One slice, from where the last one ended: structs are split, merged and replaced in between, so that place is found by
 * the clock alone. Notes what is deleted.
 * @param take says up to which clock it has taken a struct
 */
function walk(doc: Y.Doc, state: ClientState, until: number, pace: Pace, take: (struct: Struct) => number): void {
  const structs = doc.store.clients.get(state.client) ?? []
  let index = Y.findIndexSS(structs, state.clock)
  do {
    const struct = structs[index++]
    if (!struct) break
    const end = take(struct)
    if (struct.deleted) addRange(state.deleted, state.clock, end - state.clock)
    state.clock = end
  } while (state.clock < until && !pace.isOver())
}

type Struct = Y.Item | Y.GC
const endOf = ({ id, length }: Struct) => id.clock + length

function addRange(ranges: Ranges, clock: number, length: number): void {
  const last = ranges.length - 2
  if (last >= 0 && ranges[last]! + ranges[last + 1]! === clock) ranges[last + 1]! += length
  else ranges.push(clock, length)
}

async function assemble(
  states: readonly ClientState[],
  later: ReadonlyMap<number, Ranges>,
  pace: Pace,
  room: number,
): Promise<{ update: Uint8Array; deletionsAt: number }> {
  const sections = states.filter(({ count }) => count > 0)
  const parts = [encode((encoder) => encoding.writeVarUint(encoder, sections.length))]
  for (const { client, count, known, parts: written } of sections) {
    parts.push(
      encode((encoder) => {
        encoding.writeVarUint(encoder, count)
        encoding.writeVarUint(encoder, client)
        encoding.writeVarUint(encoder, known)
      }),
      ...written,
    )
  }
  const deletionsAt = lengthOf(parts)
  const deletions: Uint8Array[] = []
  for (const state of states) {
    const ranges = merged(state, later.get(state.client))
    if (ranges.length > 0) deletions.push(encodeRanges(state.client, ranges))
    if (pace.isOver()) await pace.rest()
  }
  parts.push(
    encode((encoder) => encoding.writeVarUint(encoder, deletions.length)),
    ...deletions,
  )
  const update = new Uint8Array(room + lengthOf(parts)).subarray(room)
  let at = 0
  for (const part of parts) {
    update.set(part, at)
    at += part.length
    if (pace.isOver()) await pace.rest()
  }
  return { update, deletionsAt }
}

/** Adds what was deleted since, as far as it is of what was written. */
function merged({ deleted, clock: end }: ClientState, later: Ranges | undefined): Ranges {
  if (!later) return deleted
  const ranges: [clock: number, end: number][] = []
  for (const source of [deleted, later]) {
    for (let at = 0; at < source.length; at += 2) {
      ranges.push([source[at]!, Math.min(end, source[at]! + source[at + 1]!)])
    }
  }
  const result: [clock: number, end: number][] = []
  for (const range of ranges.filter(([from, to]) => from < to).sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last && range[0] <= last[1]) last[1] = Math.max(last[1], range[1])
    else result.push(range)
  }
  return result.flatMap(([from, to]) => [from, to - from])
}

function encodeRanges(client: number, ranges: Ranges): Uint8Array {
  return encode((encoder) => {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length / 2)
    for (const number of ranges) encoding.writeVarUint(encoder, number)
  })
}

function encode(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  write(encoder)
  return encoding.toUint8Array(encoder)
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}
