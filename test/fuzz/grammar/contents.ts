import * as encoding from 'lib0/encoding'
import type { Random } from '../../helpers/random.ts'
import { json, text, wildNumber, word } from './values.ts'

/** What an item holds: Yjs's number for it, how many clocks it takes, and its bytes. */
export interface Content {
  kind: number
  length: number
  write: (encoder: encoding.Encoder) => void
}

/** Of Yjs 13: 1 deleted, 2 JSON, 3 bytes, 4 text, 5 embed, 6 format, 7 type, 8 values, 9 document; others are unknown to it. */
const usual = [4, 4, 4, 4, 8, 8, 7, 7, 6, 5, 2, 3, 1, 9]
const unknown = [11, 12, 15, 31]

/** Any content there is. `wildness` from 0 to 1: how often its insides are not what they should be. */
export function content(random: Random, wildness: number): Content {
  const isWild = () => random.next() < wildness
  const kind = isWild() && random.next() < 0.1 ? random.pick(unknown) : random.pick(usual)
  switch (kind) {
    case 1: {
      const length = isWild() ? wildNumber(random) : random.int(1, 5)
      return { kind, length, write: (encoder) => encoding.writeVarUint(encoder, length) }
    }
    case 2: {
      const all = Array.from({ length: random.int(isWild() ? 0 : 1, 3) }, () => json(random, wildness))
      return { kind, length: all.length, write: counted(random, wildness, all, encoding.writeVarString) }
    }
    case 3: {
      const bytes = random.bytes(random.int(0, 40))
      return { kind, length: 1, write: (encoder) => encoding.writeVarUint8Array(encoder, bytes) }
    }
    case 4:
      return textContent(random, isWild())
    case 5: {
      const embedded = json(random, wildness)
      return { kind, length: 1, write: (encoder) => encoding.writeVarString(encoder, embedded) }
    }
    case 6: {
      const [key, value] = [random.pick(['bold', 'link', word(random)]), json(random, wildness)]
      return {
        kind,
        length: 1,
        write(encoder) {
          encoding.writeVarString(encoder, key)
          encoding.writeVarString(encoder, value)
        },
      }
    }
    case 7:
      return typeContent(random, isWild())
    case 8: {
      const all = Array.from({ length: random.int(isWild() ? 0 : 1, 4) }, () => any(random, wildness))
      return { kind, length: all.length, write: counted(random, wildness, all, encoding.writeUint8Array) }
    }
    case 9: {
      const [name, options] = [word(random), any(random, wildness)]
      return {
        kind,
        length: 1,
        write(encoder) {
          encoding.writeVarString(encoder, name)
          encoding.writeUint8Array(encoder, options)
        },
      }
    }
    default: {
      const bytes = random.bytes(random.int(0, 20))
      return { kind, length: 1, write: (encoder) => encoding.writeUint8Array(encoder, bytes) }
    }
  }
}

/** Types of Yjs: array, map, text, element, fragment, hook, XML text; higher ones are unknown. */
function typeContent(random: Random, isWild: boolean): Content {
  const type = isWild ? random.int(0, 12) : random.int(0, 6)
  const name = word(random)
  return {
    kind: 7,
    length: 1,
    write(encoder) {
      encoding.writeVarUint(encoder, type)
      if (type === 3 || type === 5) encoding.writeVarString(encoder, name)
    },
  }
}

function textContent(random: Random, isWild: boolean): Content {
  const string = isWild && random.next() < 0.3 ? '' : text(random)
  // half of a pair, as no encoder of text writes it
  const half = isWild ? random.pick([[0xed, 0xa0, 0x80], [0xed, 0xb0, 0x80], [0xf8], [0xc0, 0x80]]) : []
  const bytes = Uint8Array.from([...new TextEncoder().encode(string), ...half])
  return { kind: 4, length: string.length, write: (encoder) => encoding.writeVarUint8Array(encoder, bytes) }
}

function counted<Part>(
  random: Random,
  wildness: number,
  all: readonly Part[],
  write: (encoder: encoding.Encoder, part: Part) => void,
): (encoder: encoding.Encoder) => void {
  const count = random.next() < wildness * 0.3 ? wildNumber(random) : all.length
  return (encoder) => {
    encoding.writeVarUint(encoder, count)
    for (const part of all) write(encoder, part)
  }
}

/** A value in lib0's own encoding. */
function any(random: Random, wildness: number): Uint8Array {
  const encoder = encoding.createEncoder()
  const luck = random.next()
  if (luck < wildness * 0.2) {
    const depth = random.pick([10, 499, 501, 3_000, 20_000])
    for (let level = 0; level < depth; level++) encoding.writeUint8Array(encoder, Uint8Array.of(117, 1))
    encoding.writeUint8(encoder, 126)
  } else if (luck < wildness * 0.5) {
    // an array, an object, bytes or a text that says it is larger than it is; or a tag that means nothing
    encoding.writeUint8(encoder, random.pick([117, 118, 116, 119, 0, 128, 255]))
    encoding.writeVarUint(encoder, wildNumber(random))
  } else {
    const parsed = json(random, 0)
    encoding.writeAny(encoder, random.next() < 0.1 ? undefined : JSON.parse(parsed))
  }
  return encoding.toUint8Array(encoder)
}
