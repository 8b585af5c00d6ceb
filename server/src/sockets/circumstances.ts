import { mostAuthors } from '../documents/authors.ts'
import { takeAwayMore } from '../documents/deletions.ts'
import type { Documents } from '../documents/documents.ts'
import { excessOf, type StructureLimits } from '../documents/structure.ts'
import { waitsTooMuch } from '../documents/waiting.ts'
import { goesFar } from '../documents/ways.ts'
import { NeedReading } from '../documents/weight.ts'
import type { Circumstances } from './inspect.ts'
import type { Session } from './session.ts'

/** More structs are deleted in turns: a thousand take some ms. */
const deletedAtOnce = 1_000

/** What is known of a session's document when one of its frames is judged. */
export function circumstancesOf(
  { documentName, access }: Session,
  documents: Documents,
  limits: StructureLimits & { documentBytes: number; waitingBytes: number },
  now: number,
): Circumstances {
  const limit = limits.documentBytes
  const open = documents.get(documentName)
  // before it is open nothing is known of it
  const document = open?.document ?? null
  return {
    now,
    excessOf: (update, claims, structs) => {
      const excess = excessOf(structs, document, limits)
      if (excess !== null || document === null) return excess
      return waitsTooMuch(document, update, { structs, deletions: claims.deletions }, limits.waitingBytes)
    },
    mostAuthors: () => mostAuthors(document, limits.clientsPerDocument),
    takesLong: ({ deletions }, structs) => {
      if (!document) return false
      return goesFar(structs, document) || takeAwayMore({ deletions: deletions.clients, than: deletedAtOnce }, document)
    },
    isForged: (claims) => access !== null && open?.owners.isForged(claims, access.userId) === true,
    heldUntil: (claims) => documents.unstorable.heldUntil(documentName, claims, now),
    changeOf: ({ byteLength: bytes }, { bringsContent, deletions }, structs) => {
      if (!document) return { bringsContent, bytes, heap: 0, freed: () => ({ bytes: 0, heap: 0 }) }
      const need = new NeedReading(document)
      need.add({ structs, ds: deletions })
      return { bringsContent, bytes, heap: need.heap, freed: () => need.freed }
    },
    shortageFor: (change) => {
      // nothing of it is going to be applied
      if (access?.level === 'read') return null
      if (!open) return change.bringsContent && change.bytes > limit ? 'document-too-large' : null
      const { size } = open
      if (!size.hasRoomFor(change, limit)) {
        size.isWaitedFor = true
        return 'document-too-large'
      }
      return change.bringsContent && !size.memory.hasRoomFor(change.heap) ? 'server-busy' : null
    },
  }
}
