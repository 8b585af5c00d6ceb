import * as Y from 'yjs'

/**
 * Of an item whose first part is here already, and collected, Yjs (13.6) throws when it takes the rest: it looks for the
 * neighbour of a neighbour that has none. Who writes so breaks off what is being applied, which may be somebody else's edit
 * that the item waited for (R6.31). Like everything whose neighbour was collected, the rest is collected as well.
 */
export function takeRestsOfCollected(): void {
  const prototype = Y.Item.prototype
  if (prototype.integrate !== original) return
  prototype.integrate = function (this: Y.Item, transaction: Y.Transaction, offset: number): void {
    if (offset > 0 && isCollected(transaction.doc, this.id.client, this.id.clock + offset - 1)) this.parent = null
    original.call(this, transaction, offset)
  }
}

const original = Y.Item.prototype.integrate

function isCollected({ store }: Y.Doc, client: number, clock: number): boolean {
  const structs = store.clients.get(client) as (Y.Item | Y.GC)[]
  return structs[Y.findIndexSS(structs, clock)] instanceof Y.GC
}
