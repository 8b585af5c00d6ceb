import type * as Y from 'yjs'

/** Whether something that a transaction brought is so. Looks at what is new, the newest first, and at no more. */
export function someNews(transaction: Y.Transaction, isSo: (struct: Y.Item | Y.GC) => boolean): boolean {
  for (const [client, before] of changed(transaction)) {
    const structs = transaction.doc.store.clients.get(client) ?? []
    for (let index = structs.length - 1; index >= 0; index--) {
      const struct = structs[index] as Y.Item | Y.GC
      if (struct.id.clock + struct.length <= before) break
      if (isSo(struct)) return true
    }
  }
  return false
}

/** Of each transaction that was looked at: whose structs are new, and from which clock on. Documents have had thousands of clients. */
const known = new WeakMap<Y.Transaction, readonly (readonly [client: number, before: number])[]>()

function changed(transaction: Y.Transaction): readonly (readonly [client: number, before: number])[] {
  const before = known.get(transaction)
  if (before) return before
  const found: [number, number][] = []
  const { beforeState, afterState } = transaction
  for (const [client, after] of afterState) {
    const before = beforeState.get(client) ?? 0
    if (before !== after) found.push([client, before])
  }
  known.set(transaction, found)
  return found
}
