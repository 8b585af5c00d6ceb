import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { type Id, scanHeader, valueIn } from './scan.ts'

/**
 * Yjs (13.6) keeps values that were inserted together in one array, and copies it when something in it is deleted, and when
 * something is put behind it: a list of 900,000 took 50 ms for each deletion. So many stand in one of ours.
 */
export const longestList = 4_096
/** And so many bytes, so that a piece is not long to build. */
const longestBytes = 256 * 1024

/** Whether a list is to be cut; a single value cannot be. */
export const isLong = (length: number, bytes: number): boolean =>
  length > 1 && (length > longestList || bytes > longestBytes)

/** A part of a list, as a struct of its own. */
interface Piece {
  struct: Uint8Array
  /** How many clocks it takes. */
  length: number
  members: number
  values: number
}

/**
 * Cuts a struct with a list of values as Yjs would split it.
 * @param place of the struct: where it stands in the update, its client, and its clock
 */
export function* piecesOf(
  update: Uint8Array,
  { at, client, clock }: { readonly at: number } & Readonly<Id>,
): Generator<Piece> {
  const decoder = decoding.createDecoder(update)
  decoder.pos = at
  const { kind, hasRightOrigin, needs } = scanHeader(decoder)
  const header = update.subarray(at, decoder.pos)
  const rightOrigin = hasRightOrigin ? needs.at(-1) : undefined
  const length = decoding.readVarUint(decoder)
  const skip = valueIn(kind)
  for (let done = 0; done < length; ) {
    const begun = { done, at: decoder.pos }
    const piece = { members: 0, values: 0 }
    while (done < length && done - begun.done < longestList && decoder.pos - begun.at < longestBytes) {
      const inIt = skip(decoder, Number.POSITIVE_INFINITY)
      piece.members = Math.max(piece.members, inIt, length)
      piece.values += inIt
      done++
    }
    const encoder = encoding.createEncoder()
    if (begun.done === 0) encoding.writeUint8Array(encoder, header)
    else writeContinuation(encoder, kind, { client, clock: clock + begun.done - 1 }, rightOrigin)
    encoding.writeVarUint(encoder, done - begun.done)
    encoding.writeUint8Array(encoder, update.subarray(begun.at, decoder.pos))
    yield { struct: encoding.toUint8Array(encoder), length: done - begun.done, ...piece }
  }
}

/** What stands before the content of a part that is not the first: it stands on the one before. */
function writeContinuation(encoder: encoding.Encoder, kind: number, origin: Id, rightOrigin: Id | undefined): void {
  encoding.writeUint8(encoder, kind | 128 | (rightOrigin ? 64 : 0))
  for (const id of rightOrigin ? [origin, rightOrigin] : [origin]) {
    encoding.writeVarUint(encoder, id.client)
    encoding.writeVarUint(encoder, id.clock)
  }
}

/** So many characters of a text stand in one item. */
const longestText = 64 * 1024

/** Keeps Yjs from making one long item of many short ones, which it copies with each that is added. */
export function boundMerging(): void {
  boundMergingOf(Y.ContentAny.prototype, ({ arr }) => arr.length, longestList)
  boundMergingOf(Y.ContentJSON.prototype, ({ arr }) => arr.length, longestList)
  boundMergingOf(Y.ContentString.prototype, ({ str }) => str.length, longestText)
}

const bounded = new Set<object>()

function boundMergingOf<Content extends { mergeWith(right: Content): boolean }>(
  prototype: Content,
  lengthOf: (content: Content) => number,
  longest: number,
): void {
  if (bounded.has(prototype)) return
  bounded.add(prototype)
  const { mergeWith } = prototype
  prototype.mergeWith = function (this: Content, right: Content): boolean {
    return lengthOf(this) + lengthOf(right) <= longest && mergeWith.call(this, right)
  }
}
