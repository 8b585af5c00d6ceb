import type * as Y from 'yjs'

type Struct = Y.Item | Y.GC

/** Whether something that a transaction brought is so. Looks at what is new, the newest first, and at no more. */
export function someNews(transaction: Y.Transaction, isSo: (struct: Struct) => boolean): boolean {
  const { beforeState, afterState } = transaction
  if (afterState.size > many) {
    return changesOfMany(transaction).some(([client, before]) => someOf(transaction, client, before, isSo))
  }
  for (const [client, after] of afterState) {
    const before = beforeState.get(client) ?? 0
    if (before !== after && someOf(transaction, client, before, isSo)) return true
  }
  return false
}

function someOf({ doc }: Y.Transaction, client: number, before: number, isSo: (struct: Struct) => boolean): boolean {
  const structs = doc.store.clients.get(client) ?? []
  for (let index = structs.length - 1; index >= 0; index--) {
    const struct = structs[index] as Struct
    if (struct.id.clock + struct.length <= before) break
    if (isSo(struct)) return true
  }
  return false
}

/** A document with more clients is not gone through anew for each question. Some have had thousands. */
const many = 200

type Change = readonly [client: number, before: number]
const known = new WeakMap<Y.Transaction, readonly Change[]>()

function changesOfMany(transaction: Y.Transaction): readonly Change[] {
  const found = known.get(transaction)
  if (found) return found
  const changes: Change[] = []
  for (const [client, after] of transaction.afterState) {
    const before = transaction.beforeState.get(client) ?? 0
    if (before !== after) changes.push([client, before])
  }
  known.set(transaction, changes)
  return changes
}
