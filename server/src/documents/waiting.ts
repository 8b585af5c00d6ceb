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
  readonly structs: readonly Struct[]
}

/**
 * Why an update may not wait for what it stands on; null when it need not, or there is room. What waits is kept in memory
 * and looked through again with each edit, so it is bounded (R6.32); what is refused stays with its author.
 */
export function waitsTooMuch(document: Y.Doc, update: Update, limit: number): string | null {
  const { pendingStructs, pendingDs } = document.store
  const kept = (pendingStructs?.update.byteLength ?? 0) + keptWeight * (pendingDs?.byteLength ?? 0)
  const brought = update.byteLength + rangeWeight * countOf(update.claims)
  // an upper bound will do, for nearly all that ever comes
  if (kept + brought <= limit || !waits(document, update)) return null
  return `${brought} bytes that wait for others, beside ${kept}, of at most ${limit}`
}

function countOf({ deletions }: Update['claims']): number {
  let count = 0
  for (const ranges of deletions.clients.values()) count += ranges.length
  return count
}

/** Whether something of an update stands on what is neither in the document nor in itself. */
function waits({ store }: Y.Doc, { claims, structs }: Update): boolean {
  const ends = new Map<number, number>()
  const endOf = (client: number): number => {
    let end = ends.get(client)
    if (end === undefined) ends.set(client, (end = Math.max(Y.getState(store, client), claims.ends.get(client) ?? 0)))
    return end
  }
  const isMissing = (needed: unknown) => needed instanceof Y.ID && needed.clock >= endOf(needed.client)
  const reached = new Map<number, number>()
  for (const struct of structs) {
    const { client, clock } = struct.id
    if (struct instanceof Y.Skip) return true
    if (clock > (reached.get(client) ?? Y.getState(store, client))) return true
    reached.set(client, Math.max(reached.get(client) ?? Y.getState(store, client), clock + struct.length))
    if (struct instanceof Y.Item && [struct.origin, struct.rightOrigin, struct.parent].some(isMissing)) return true
  }
  for (const [client, ranges] of claims.deletions.clients) {
    for (const { clock, len } of ranges) if (clock + len > endOf(client)) return true
  }
  return false
}
