import * as encoding from 'lib0/encoding'
import { encoded } from '../../helpers/hostile-updates.ts'

export interface Id {
  client: number
  clock: number
}

/** A struct as it is spelled on the wire; nothing here has to make sense. */
export interface Spelled {
  /** Kind of content and flags: 128 an origin, 64 a right origin, 32 a key in its parent. */
  info: number
  origin: Id | null
  rightOrigin: Id | null
  /** Written where there is neither origin nor right origin: the name of a type of the document's, or an id. */
  parent: string | Id
  key: string
  content: (encoder: encoding.Encoder) => void
}

export interface Block {
  client: number
  clock: number
  /** How many structs it says there are. */
  count: number
  structs: ((encoder: encoding.Encoder) => void)[]
}

export interface Deletion {
  clock: number
  length: number
}

/** An update in Yjs's encoding V1, written without Yjs, so that whatever can be spelled is spelled. */
export function spellUpdate(
  blocks: readonly Block[],
  deletions: ReadonlyMap<number, readonly Deletion[]>,
  counts: { blocks?: number; deletions?: number } = {},
): Uint8Array {
  return encoded((encoder) => {
    encoding.writeVarUint(encoder, counts.blocks ?? blocks.length)
    for (const { client, clock, count, structs } of blocks) {
      for (const number of [count, client, clock]) encoding.writeVarUint(encoder, number)
      for (const write of structs) write(encoder)
    }
    encoding.writeVarUint(encoder, counts.deletions ?? deletions.size)
    for (const [client, ranges] of deletions) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, ranges.length)
      for (const { clock, length } of ranges) {
        encoding.writeVarUint(encoder, clock)
        encoding.writeVarUint(encoder, length)
      }
    }
  })
}

export const spellItem =
  ({ info, origin, rightOrigin, parent, key, content }: Spelled) =>
  (encoder: encoding.Encoder): void => {
    encoding.writeUint8(encoder, info & 0xff)
    if (origin && info & 128) spellId(encoder, origin)
    if (rightOrigin && info & 64) spellId(encoder, rightOrigin)
    if ((info & 192) === 0) {
      if (typeof parent === 'string') {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarString(encoder, parent)
      } else {
        encoding.writeVarUint(encoder, 0)
        spellId(encoder, parent)
      }
      if (info & 32) encoding.writeVarString(encoder, key)
    }
    content(encoder)
  }

/** What has no content: a collected range (kind 0) or one that is left out (kind 10). */
export const spellRange =
  (kind: 0 | 10, length: number) =>
  (encoder: encoding.Encoder): void => {
    encoding.writeUint8(encoder, kind)
    encoding.writeVarUint(encoder, length)
  }

function spellId(encoder: encoding.Encoder, { client, clock }: Id): void {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}
