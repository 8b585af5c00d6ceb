import * as decoding from 'lib0/decoding'

/** Yjs's id of a struct: the client that made it, and its clock there. */
export interface Id {
  client: number
  clock: number
}

/** What a struct of an encoded update (V1) is, as far as its place among the others goes. */
export interface Scanned {
  /** How many clocks it takes. */
  length: number
  /** What must be there before it can be integrated. */
  needs: Id[]
}

/**
 * Steps over one struct without building it; the same steps as in Yjs's `readClientsStructRefs` (13.6).
 * @throws when the bytes end early, or hold what Yjs does not know
 */
export function scanStruct(decoder: decoding.Decoder): Scanned {
  const info = decoding.readUint8(decoder)
  const kind = info & 31
  const needs: Id[] = []
  if (kind === kinds.gc || kind === kinds.skip) return { length: decoding.readVarUint(decoder), needs }
  const hasOrigin = (info & 128) !== 0
  const hasRightOrigin = (info & 64) !== 0
  if (hasOrigin) needs.push(readId(decoder))
  if (hasRightOrigin) needs.push(readId(decoder))
  if (!hasOrigin && !hasRightOrigin) {
    if (decoding.readVarUint(decoder) === 1) skipBytes(decoder)
    else needs.push(readId(decoder))
    if ((info & 32) !== 0) skipBytes(decoder)
  }
  return { length: skipContent(decoder, kind), needs }
}

const kinds = {
  gc: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  document: 9,
  skip: 10,
} as const

/** The types that have a name: XmlElement and XmlHook. */
const namedTypes = new Set([3, 5])

/** @returns how many clocks the content takes */
function skipContent(decoder: decoding.Decoder, kind: number): number {
  switch (kind) {
    case kinds.deleted:
      return decoding.readVarUint(decoder)
    case kinds.string:
      return skipString(decoder)
    case kinds.json:
      return times(decoding.readVarUint(decoder), () => skipBytes(decoder))
    case kinds.any:
      return times(decoding.readVarUint(decoder), () => decoding.readAny(decoder))
    case kinds.binary:
    case kinds.embed:
      skipBytes(decoder)
      return 1
    case kinds.format:
      skipBytes(decoder)
      skipBytes(decoder)
      return 1
    case kinds.type:
      if (namedTypes.has(decoding.readVarUint(decoder))) skipBytes(decoder)
      return 1
    case kinds.document:
      skipBytes(decoder)
      decoding.readAny(decoder)
      return 1
    default:
      throw new Error(`unknown content ${kind}`)
  }
}

function times(count: number, action: () => unknown): number {
  for (let index = 0; index < count; index++) action()
  return count
}

const readId = (decoder: decoding.Decoder): Id => ({
  client: decoding.readVarUint(decoder),
  clock: decoding.readVarUint(decoder),
})

/** A text or bytes: their length, then they. */
function skipBytes(decoder: decoding.Decoder): void {
  const length = decoding.readVarUint(decoder)
  decoder.pos += length
  if (decoder.pos > decoder.arr.length) throw new Error('the update ends early')
}

/** @returns the text's length as JavaScript counts it, in units of UTF-16 */
function skipString(decoder: decoding.Decoder): number {
  const length = decoding.readVarUint(decoder)
  const start = decoder.pos
  decoder.pos += length
  if (decoder.pos > decoder.arr.length) throw new Error('the update ends early')
  let units = 0
  for (let at = start; at < decoder.pos; at++) {
    const byte = decoder.arr[at] as number
    // a byte that continues a character counts nothing, the first of four counts for two
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1
  }
  return units
}
