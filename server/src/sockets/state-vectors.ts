import type { Pace } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { TooComplex } from '../documents/scan.ts'

/** How much of each client's edits somebody has: what a question (step 1) says. */
export type Known = ReadonlyMap<number, number>

/** Longer ones are read when it is their turn: 100,000 clients take some ten ms. */
const few = 1_000
const portion = 1_000

/**
 * Reads what a question says. A long one is only looked at: it may be asked anew before its turn comes.
 * @param mostAuthors how many Yjs clients it may name
 * @throws {TooComplex}
 * @throws when it does not decode
 */
export function readQuestion(bytes: Uint8Array, mostAuthors: () => number): Known | Uint8Array {
  const decoder = decoding.createDecoder(bytes)
  const count = decoding.readVarUint(decoder)
  if (count <= few) return Y.decodeStateVector(bytes)
  if (count > mostAuthors()) throw new TooComplex(`a question that names ${count} Yjs clients`)
  for (let left = 2 * count; left > 0; left--) decoding.readVarUint(decoder)
  return bytes
}

/** @throws when it does not decode */
export async function readInTurns(stateVector: Uint8Array, pace: Pace): Promise<Known> {
  const decoder = decoding.createDecoder(stateVector)
  const known = new Map<number, number>()
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    known.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
    if (left % portion === 0 && pace.isOver()) await pace.rest()
  }
  return known
}
