import * as Y from 'yjs'

/**
 * Of an item whose first part is here already Yjs (13.6) takes the rest, and trusts that the parts belong together. They do
 * not where somebody wrote two things under one clock: then a living item stands in a deleted type, and the document, loaded
 * again, throws for ever; where the first part was collected, Yjs throws at once, maybe in somebody else's edit that the
 * item waited for. Like everything whose neighbour was collected, such a rest is collected as well (R6.31).
 * @param known how much of the item is here
 */
export function takeRest(item: Y.Item, transaction: Y.Transaction, known: number): void {
  if (!isContinued(item, transaction.doc, item.id.clock + known - 1)) item.parent = null
  // as Yjs cuts it
  item.id.clock += known
  item.left = Y.getItemCleanEnd(transaction, transaction.doc.store, Y.createID(item.id.client, item.id.clock - 1))
  item.origin = item.left.lastId
  item.content = item.content.splice(known)
  item.length -= known
}

/** Whether what is here up to a clock stands where the item says that it stands. */
function isContinued({ id, parent, parentSub }: Y.Item, { store }: Y.Doc, clock: number): boolean {
  const structs = store.clients.get(id.client) as (Y.Item | Y.GC)[]
  const before = structs[Y.findIndexSS(structs, clock)]
  return before instanceof Y.Item && before.parent === parent && before.parentSub === parentSub
}
