import type * as Y from 'yjs'

/** Whether something that a transaction brought is so. Looks at what is new, the newest first, and at no more. */
export function someNews(
  { doc, beforeState, afterState }: Y.Transaction,
  isSo: (struct: Y.Item | Y.GC) => boolean,
): boolean {
  for (const [client, after] of afterState) {
    const before = beforeState.get(client) ?? 0
    if (before === after) continue
    const structs = doc.store.clients.get(client) ?? []
    for (let index = structs.length - 1; index >= 0; index--) {
      const struct = structs[index] as Y.Item | Y.GC
      if (struct.id.clock + struct.length <= before) break
      if (isSo(struct)) return true
    }
  }
  return false
}
