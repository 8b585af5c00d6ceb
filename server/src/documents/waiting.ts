import * as Y from 'yjs'
import type { Claims } from '../sockets/claims.ts'
import type { Struct } from './structure.ts'

/** What a deletion that waits counts for, in bytes: Yjs tries each of them again with each edit of anybody. */
const rangeWeight = 64
/** In what Yjs keeps aside a range takes about two bytes. */
const keptWeight = rangeWeight / 2

interface Update {
  readonly byteLength: number
  readonly claims: Pick<Claims, 'ends' | 'deletions'>
}

/**
 * Why an update may not wait for what it stands on; null when it need not, or there is room. What waits is kept in memory
 * and looked through again with each edit, so it is bounded (R6.32); what is refused stays with its author.
 */
export function waitsTooMuch(
  document: Y.Doc,
  update: Update & { readonly structs: readonly Struct[] },
  limit: number,
): string | null {
  return excessOfWaiting(document, update, limit, () => {
    const reading = new WaitingReading(document)
    reading.add(update.structs, update.claims.deletions, update.claims.ends)
    return reading.waits
  })
}

export function excessOfWaiting(
  document: Y.Doc,
  { byteLength, claims }: Update,
  limit: number,
  waits: () => boolean,
): string | null {
  const { pendingStructs, pendingDs } = document.store
  const kept = (pendingStructs?.update.byteLength ?? 0) + keptWeight * (pendingDs?.byteLength ?? 0)
  const brought = byteLength + rangeWeight * countOf(claims)
  // an upper bound will do, for nearly all that ever comes
  if (kept + brought <= limit || !waits()) return null
  return `${brought} bytes that wait for others, beside ${kept}, of at most ${limit}`
}

function countOf({ deletions }: Update['claims']): number {
  let count = 0
  for (const ranges of deletions.clients.values()) count += ranges.length
  return count
}

/** Finds out whether something of an update stands on what is neither in the document nor in itself. */
export class WaitingReading {
  waits = false
  readonly #document: Y.Doc
  readonly #reached = new Map<number, number>()

  constructor(document: Y.Doc) {
    this.#document = document
  }

  /**
   * Takes the next part, or all of it: what a part stands on is in itself or in an earlier one.
   * @param ends for each client, the clock behind its last struct up to here
   */
  add(structs: readonly Struct[], { clients }: Pick<Claims['deletions'], 'clients'>, ends: Claims['ends']): void {
    this.waits ||= this.#waits(structs, clients, ends)
  }

  #waits(structs: readonly Struct[], deletions: Claims['deletions']['clients'], ends: Claims['ends']): boolean {
    const { store } = this.#document
    const reached = this.#reached
    const endOf = (client: number) => Math.max(Y.getState(store, client), ends.get(client) ?? 0)
    const isMissing = (needed: unknown) => needed instanceof Y.ID && needed.clock >= endOf(needed.client)
    for (const struct of structs) {
      const { client, clock } = struct.id
      if (struct instanceof Y.Skip) return true
      const before = reached.get(client) ?? Y.getState(store, client)
      if (clock > before) return true
      reached.set(client, Math.max(before, clock + struct.length))
      if (!(struct instanceof Y.Item)) continue
      if (isMissing(struct.origin) || isMissing(struct.rightOrigin) || isMissing(struct.parent)) return true
    }
    for (const [client, ranges] of deletions) {
      const end = endOf(client)
      for (const { clock, len } of ranges) if (clock + len > end) return true
    }
    return false
  }
}
