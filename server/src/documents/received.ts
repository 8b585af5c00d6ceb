import * as Y from 'yjs'
import { someNews } from './news.ts'

/**
 * What goes into the journal for an update that a client sent: what the client sent (R1.8). Yjs tells of an update after it
 * has collected its garbage. Text typed into a paragraph that somebody had just deleted is a hole by then, and what the
 * journal does not hold nobody can show later. Where that happened the structs are taken from the client's message, and
 * the deletions from Yjs, which adds those that follow from the document.
 * @param emitted what Yjs emitted for the transaction
 * @param received the client's message; null when the update came from elsewhere
 */
export function asReceived(emitted: Uint8Array, transaction: Y.Transaction, received: Uint8Array | null): Uint8Array {
  if (received === null || !hasHoles(transaction)) return emitted
  // without what the document had before: the journal has that
  const structs = Y.diffUpdate(received, Y.encodeStateVector(transaction.beforeState))
  const deletionsReceived = encodeDeletions(Y.decodeUpdate(structs).ds).byteLength
  const deletions = encodeDeletions(transaction.deleteSet)
  const end = structs.byteLength - deletionsReceived
  const row = new Uint8Array(end + deletions.byteLength)
  row.set(structs.subarray(0, end))
  row.set(deletions, end)
  return row
}

/** Whether something that this transaction brought is without its content already. */
const hasHoles = (transaction: Y.Transaction): boolean => someNews(transaction, ({ deleted }) => deleted)

/** As they stand at the end of an update: a snapshot of Yjs begins with them and ends with a state vector, here an empty one. */
function encodeDeletions(deletions: Y.Transaction['deleteSet']): Uint8Array {
  return Y.encodeSnapshot(new Y.Snapshot(deletions, new Map())).subarray(0, -1)
}
