import * as Y from 'yjs'
import { seededRandom } from '../statistics.ts'

/** Where every measured document has its text. */
export const textName = 'body'

/**
 * A document as several people have written it: words put one at a time at places that move about, so that Yjs holds
 * tens of thousands of items (one long string would be one item, and cost every system next to nothing).
 * @returns updates of at most some 64 KB, which together are the document; the same for the same arguments
 */
export function writtenDocument(bytes: number, seed = 1): Uint8Array[] {
  const random = seededRandom(seed)
  const doc = new Y.Doc()
  const text = doc.getText(textName)
  const updates: Uint8Array[] = []
  let cutBytes = 0
  let author = 0
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  const cut = () => {
    if (pending.length > 0) cutBytes += updates[updates.push(Y.mergeUpdates(pending)) - 1]!.length
    pending = []
    pendingBytes = 0
  }
  doc.on('update', (update: Uint8Array) => {
    pending.push(update)
    pendingBytes += update.length
  })
  while (cutBytes + pendingBytes < bytes) {
    doc.clientID = 1000 + (author++ % 5)
    let position = Math.floor(random() * (text.length + 1))
    doc.transact(() => {
      // A stay of about twenty words at one place; every other word begins an item of its own, as after a correction.
      for (let word = 0; word < 20; word++) {
        const letters = `${Math.floor(random() * 2 ** 31).toString(36)} `
        text.insert(position, letters)
        position += letters.length
        if (word % 2 === 0) text.delete(position - 1, 1)
        if (word % 2 === 0) position -= 1
      }
    })
    if (pendingBytes > 60_000) cut()
  }
  cut()
  doc.destroy()
  return updates
}

/**
 * What the journal holds after `count` edits of one person: letters typed where the cursor stands, now and then a
 * letter taken back, and every thirty edits or so a new place.
 */
export function typedEdits(base: readonly Uint8Array[], count: number, seed = 2): Uint8Array[] {
  const random = seededRandom(seed)
  const doc = new Y.Doc()
  for (const update of base) Y.applyUpdate(doc, update)
  doc.clientID = 77
  const text = doc.getText(textName)
  const edits: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => edits.push(update))
  let position = text.length
  while (edits.length < count) {
    if (random() < 1 / 30) position = Math.floor(random() * (text.length + 1))
    if (random() < 0.1 && position > 0) text.delete(--position, 1)
    else text.insert(position++, String.fromCharCode(97 + Math.floor(random() * 26)))
  }
  doc.destroy()
  return edits
}
