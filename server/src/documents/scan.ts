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
  /** At most so many values stand in its largest value, itself included, or side by side: what it takes to build one. */
  members: number
  /** The same of all its values together. */
  values: number
  /** Its values have a clock each: it may be cut between any two of them. */
  isList: boolean
}

/** There is more in an update than anybody wants counted: it was not looked through to its end. */
export class TooComplex extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TooComplex'
  }
}

const tooMany = (most: number) => new TooComplex(`more than ${most} values in one insertion`)

/**
 * Steps over one struct without building it; the same steps as in Yjs's `readClientsStructRefs` (13.6).
 * @throws {TooComplex} when it has more than `mostValues`: stepping over it is done in one go
 * @throws when the bytes end early, or hold what Yjs does not know
 */
export function scanStruct(decoder: decoding.Decoder, mostValues = Number.POSITIVE_INFINITY): Scanned {
  const { kind, needs } = scanHeader(decoder)
  return { ...skipContent(decoder, kind, mostValues), needs }
}

/** What stands before a struct's content. */
export interface Header {
  kind: number
  hasRightOrigin: boolean
  needs: Id[]
}

export function scanHeader(decoder: decoding.Decoder): Header {
  const info = decoding.readUint8(decoder)
  const kind = info & 31
  const needs: Id[] = []
  if (kind === kinds.gc || kind === kinds.skip) return { kind, hasRightOrigin: false, needs }
  const hasOrigin = (info & 128) !== 0
  const hasRightOrigin = (info & 64) !== 0
  if (hasOrigin) needs.push(readId(decoder))
  if (hasRightOrigin) needs.push(readId(decoder))
  if (!hasOrigin && !hasRightOrigin) {
    if (decoding.readVarUint(decoder) === 1) skipBytes(decoder)
    else needs.push(readId(decoder))
    if ((info & 32) !== 0) skipBytes(decoder)
  }
  return { kind, hasRightOrigin, needs }
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

type Content = Omit<Scanned, 'needs'>

/** Content that holds no values. */
const plain = (length: number): Content => ({ length, members: 0, values: 0, isList: false })
const single = (members: number): Content => ({ length: 1, members, values: members, isList: false })

function skipContent(decoder: decoding.Decoder, kind: number, most: number): Content {
  switch (kind) {
    case kinds.gc:
    case kinds.skip:
    case kinds.deleted:
      return plain(decoding.readVarUint(decoder))
    case kinds.string:
      return plain(skipString(decoder))
    case kinds.json:
    case kinds.any:
      return skipValues(decoder, valueIn(kind), most)
    case kinds.binary:
      skipBytes(decoder)
      return plain(1)
    case kinds.embed:
      return single(skipJson(decoder))
    case kinds.format:
      skipBytes(decoder)
      return single(skipJson(decoder))
    case kinds.type:
      if (namedTypes.has(decoding.readVarUint(decoder))) skipBytes(decoder)
      return plain(1)
    case kinds.document:
      skipBytes(decoder)
      return single(skipAny(decoder, most))
    default:
      throw new Error(`unknown content ${kind}`)
  }
}

/** How a value is stepped over in a list of such content. */
export const valueIn = (kind: number): typeof skipAny => (kind === kinds.json ? skipJson : skipAny)

/** Several values, one for each clock. */
function skipValues(decoder: decoding.Decoder, skip: typeof skipAny, most: number): Content {
  const length = decoding.readVarUint(decoder)
  if (length > most) throw tooMany(most)
  let members = 0
  let values = 0
  for (let index = 0; index < length; index++) {
    const inIt = skip(decoder, most - values)
    members = Math.max(members, inIt)
    values += inIt
  }
  return { length, members: Math.max(members, length), values, isList: true }
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

/** A value written as JSON. @returns at most how many values it has in it: what a text may hold of these is counted, too */
function skipJson(decoder: decoding.Decoder): number {
  const length = decoding.peekVarUint(decoder)
  skipBytes(decoder)
  let members = 1
  for (let at = decoder.pos - length; at < decoder.pos; at++) {
    const byte = decoder.arr[at]
    if (byte === comma || byte === bracket || byte === brace) members++
  }
  return members
}

const [comma, bracket, brace] = [...Buffer.from(',[{')]

/** A value of lib0's `writeAny`, without building it or going deep into it. @returns how many values it has in it */
function skipAny(decoder: decoding.Decoder, most: number): number {
  let members = 0
  /** What is left of each object or array that the next value stands in. */
  const open: { left: number; isObject: boolean }[] = []
  let holder: (typeof open)[number] | undefined
  do {
    if (holder) {
      holder.left--
      if (holder.isObject) skipBytes(decoder)
    }
    if (++members > most) throw tooMany(most)
    const type = decoding.readUint8(decoder)
    if (type === anyTypes.object || type === anyTypes.array) {
      open.push({ left: decoding.readVarUint(decoder), isObject: type === anyTypes.object })
    } else {
      skipPlain(decoder, type)
    }
    while (open.at(-1)?.left === 0) open.pop()
    holder = open.at(-1)
  } while (holder)
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
