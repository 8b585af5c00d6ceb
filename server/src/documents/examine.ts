import type { Pace } from '@tidemark/shared'
import * as Y from 'yjs'
import { type Claims, ClaimsReading } from '../sockets/claims.ts'
import { mostAuthors } from './authors.ts'
import { slicesOf } from './slices.ts'
import { type StructureLimits, StructureReading } from './structure.ts'
import { excessOfWaiting, WaitingReading } from './waiting.ts'
import { NeedReading } from './weight.ts'

/** What a client's update is, before it is applied. */
export interface Examined {
  claims: Claims
  /** What is too much in it; null when nothing is. */
  excess: string | null
  /** What it needs of the memory. */
  need: NeedReading
}

/**
 * Looks a client's update through in turns (R6.34): as much of it as is built at once is gone again before the next part.
 * @throws {TooComplex} when it is not worth looking through to its end
 * @throws when it does not decode, or counts where no honest client counts
 */
export async function examine(
  update: Uint8Array,
  document: Y.Doc,
  limits: StructureLimits & { waitingBytes: number },
  pace: Pace,
): Promise<Examined> {
  const bounds = { values: limits.updateParts, clients: mostAuthors(document, limits.clientsPerDocument) }
  const claims = new ClaimsReading()
  const structure = new StructureReading(document, limits)
  const waiting = new WaitingReading(document)
  const need = new NeedReading(document)
  let excess: string | null = null
  let parts = 0
  for (const slice of slicesOf(update, undefined, bounds)) {
    parts += slice.structs + slice.deletions + slice.values
    if (parts > limits.updateParts)
      excess ??= `more than ${limits.updateParts} insertions, deletions and values at once`
    if (slice.members > limits.valueMembers)
      excess ??= `more than ${limits.valueMembers} values in one, or put in as one`
    if (slice.update && excess === null) {
      const decoded = Y.decodeUpdate(slice.update)
      claims.add(decoded)
      excess = structure.excessOf(decoded.structs)
      waiting.add(slice, decoded)
      need.add(decoded)
    } else {
      // what is too much is not built; what builds on it must be known all the same
      for (const { client, clock, end } of slice.sections) claims.addRange(client, clock, end)
    }
    if (pace.isOver()) await pace.rest()
  }
  const whole = claims.end(update)
  excess ??= excessOfWaiting(document, waiting.bytes, limits.waitingBytes)
  return { claims: whole, excess, need }
}
