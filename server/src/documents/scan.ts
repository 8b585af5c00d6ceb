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
  /** At most so many values stand in its largest value, itself included: what it takes to build it. */
  members: number
}

/**
 * Steps over one struct without building it; the same steps as in Yjs's `readClientsStructRefs` (13.6).
 * @throws when the bytes end early, or hold what Yjs does not know
 */
export function scanStruct(decoder: decoding.Decoder): Scanned {
  const info = decoding.readUint8(decoder)
  const kind = info & 31
  const needs: Id[] = []
  if (kind === kinds.gc || kind === kinds.skip) return { length: decoding.readVarUint(decoder), needs, members: 0 }
  const hasOrigin = (info & 128) !== 0
  const hasRightOrigin = (info & 64) !== 0
  if (hasOrigin) needs.push(readId(decoder))
  if (hasRightOrigin) needs.push(readId(decoder))
  if (!hasOrigin && !hasRightOrigin) {
    if (decoding.readVarUint(decoder) === 1) skipBytes(decoder)
    else needs.push(readId(decoder))
    if ((info & 32) !== 0) skipBytes(decoder)
  }
  return { ...skipContent(decoder, kind), needs }
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

interface Content {
  /** How many clocks it takes. */
  length: number
  members: number
}

function skipContent(decoder: decoding.Decoder, kind: number): Content {
  switch (kind) {
    case kinds.deleted:
      return { length: decoding.readVarUint(decoder), members: 0 }
    case kinds.string:
      return { length: skipString(decoder), members: 0 }
    case kinds.json:
      return skipValues(decoder, skipJson)
    case kinds.any:
      return skipValues(decoder, skipAny)
    case kinds.binary:
      skipBytes(decoder)
      return { length: 1, members: 0 }
    case kinds.embed:
      return { length: 1, members: skipJson(decoder) }
    case kinds.format:
      skipBytes(decoder)
      return { length: 1, members: skipJson(decoder) }
    case kinds.type:
      if (namedTypes.has(decoding.readVarUint(decoder))) skipBytes(decoder)
      return { length: 1, members: 0 }
    case kinds.document:
      skipBytes(decoder)
      return { length: 1, members: skipAny(decoder) }
    default:
      throw new Error(`unknown content ${kind}`)
  }
}

/** Several values, one for each clock. */
function skipValues(decoder: decoding.Decoder, skip: (decoder: decoding.Decoder) => number): Content {
  const length = decoding.readVarUint(decoder)
  let members = 0
  for (let index = 0; index < length; index++) members = Math.max(members, skip(decoder))
  return { length, members }
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

/** Below this a text is too short to be worth counting, in bytes. */
const shortJson = 4_096

/** A value written as JSON. @returns at most how many values it has in it: what a text may hold of these is counted, too */
function skipJson(decoder: decoding.Decoder): number {
  const length = decoding.peekVarUint(decoder)
  skipBytes(decoder)
  if (length < shortJson) return length
  let members = 1
  for (let at = decoder.pos - length; at < decoder.pos; at++) {
    const byte = decoder.arr[at]
    if (byte === comma || byte === bracket || byte === brace) members++
  }
  return members
}

const [comma, bracket, brace] = [...Buffer.from(',[{')]

/** A value of lib0's `writeAny`, without building it or going deep into it. @returns how many values it has in it */
function skipAny(decoder: decoding.Decoder): number {
  let members = 0
  /** What is left of each object or array that the next value stands in. */
  const open: { left: number; isObject: boolean }[] = [{ left: 1, isObject: false }]
  for (let holder = open.at(-1); holder; holder = open.at(-1)) {
    if (holder.left === 0) {
      open.pop()
      continue
    }
    holder.left--
    members++
    if (holder.isObject) skipBytes(decoder)
    const type = decoding.readUint8(decoder)
    if (type === anyTypes.object || type === anyTypes.array) {
      open.push({ left: decoding.readVarUint(decoder), isObject: type === anyTypes.object })
    } else {
      skipPlain(decoder, type)
    }
  }
  return members
}

const anyTypes = { array: 117, object: 118 } as const

function skipPlain(decoder: decoding.Decoder, type: number): void {
  switch (type) {
    case 116: // bytes
    case 119: // text
      skipBytes(decoder)
      return
    case 122: // a large integer
    case 123: // a double
      decoder.pos += 8
      return
    case 124: // a float
      decoder.pos += 4
      return
    case 125:
      decoding.readVarInt(decoder)
      return
    case 120: // true
    case 121: // false
    case 126: // null
    case 127: // undefined
      return
    default:
      throw new Error(`unknown value ${type}`)
  }
}
