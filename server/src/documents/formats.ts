import type * as Y from 'yjs'

/**
 * Leaves it to the clients to take superfluous formats (bold within bold) out of a text. After each transaction that brings
 * a format Yjs (13.6) goes through the whole text and copies, at each thing in it, all formats that hold there, in one go: a
 * thousand formats before a hundred thousand things took 9 s, and a server that shows nobody a text gains nothing by it.
 * The clients do it all the same, and what they take out comes as theirs.
 */
export function leaveFormatsToClients(document: Y.Doc): void {
  // Yjs tidies, if at all, right behind this event
  document.on('afterTransaction', (transaction: Y.Transaction) => {
    transaction._needFormattingCleanup = false
  })
}
