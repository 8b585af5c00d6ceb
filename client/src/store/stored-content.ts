import * as Y from 'yjs'

type Listener = (update: Uint8Array, origin: unknown) => void

const uninterested = new WeakMap<Y.Doc, Set<Listener>>()

/**
 * Listens to a document's updates, except to those that bring stored content. Yjs encodes an update for each
 * transaction as soon as anybody listens, which for a document that is just being read is as much work again.
 * @returns a function that stops listening
 */
export function onUpdateButStored(doc: Y.Doc, listener: Listener): () => void {
  let listeners = uninterested.get(doc)
  if (!listeners) uninterested.set(doc, (listeners = new Set()))
  listeners.add(listener)
  doc.on('update', listener)
  return () => {
    listeners.delete(listener)
    doc.off('update', listener)
  }
}

/** Brings stored content into a document, in one transaction. The app's own listeners hear of it as usual. */
export function bringStored(doc: Y.Doc, transact: () => void): void {
  const listeners = [...(uninterested.get(doc) ?? [])]
  for (const listener of listeners) doc.off('update', listener)
  try {
    transact()
  } finally {
    for (const listener of listeners) doc.on('update', listener)
  }
}

/** @returns what of an update these stored ones lack, deletions included; null when they have all of it */
export function lackingIn(stored: readonly unknown[], update: Uint8Array): Uint8Array | null {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const row of stored) {
      try {
        if (row instanceof Uint8Array) Y.applyUpdate(doc, row)
      } catch {
        // what does not decode holds nothing of it
      }
    }
  })
  const news: Uint8Array[] = []
  doc.on('update', (lacking: Uint8Array) => news.push(lacking))
  Y.applyUpdate(doc, update)
  doc.destroy()
  return news[0] ?? null
}
