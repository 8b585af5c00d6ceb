import * as Y from 'yjs'
import { bring } from '../replica/bring.ts'
import { Roots } from './roots.ts'

/**
 * Merges a copy that was set aside into the document; only ever because the person said so (R9.5). It is an edit like
 * any other: pending, stored, sent. The copy stays set aside until it is dropped.
 *
 * What becomes of text depends on the history of the two ({@link sharesHistory}):
 * - They share one (the person set aside edits that were refused; the server was restored from a backup): what the copy
 *   has more is added at its place, and what it had deleted is deleted.
 * - They share none (the server's document was purged and written anew): Yjs cannot know that two sentences are the
 *   same one. **Both versions stand in the text, one after the other**, in an order that nobody chose; of a map's keys
 *   one of the two values wins. {@link mergedText} shows what it would be.
 */
export function mergeCopy(copy: Y.Doc, document: Y.Doc): void {
  const bringing = bring(document, Y.encodeStateAsUpdate(copy))
  if (bringing.kind === 'unreadable') throw bringing.cause
}

/** Whether a merge continues one history: some edits of the copy are the document's own. */
export function sharesHistory(copy: Y.Doc, document: Y.Doc): boolean {
  const known = Y.decodeStateVector(Y.encodeStateVector(document))
  const clients = [...Y.decodeStateVector(Y.encodeStateVector(copy)).keys()]
  return clients.length === 0 || clients.some((client) => known.has(client))
}

/** The text that the document would have after {@link mergeCopy}. Changes neither of the two. */
export function mergedText(copy: Y.Doc, document: Y.Doc): string {
  const merged = new Y.Doc()
  Y.applyUpdate(merged, Y.encodeStateAsUpdate(document))
  mergeCopy(copy, merged)
  try {
    return copyText(merged)
  } finally {
    merged.destroy()
  }
}

/** All of a copy as plain text, for the clipboard. Where there are several root types, each comes under its name. */
export function copyText(copy: Y.Doc): string {
  const roots = new Roots(copy)
  try {
    const texts = [...roots.names].sort().flatMap((name) => {
      const kind = roots.kindOf(name)
      const text = kind ? roots.read(name, kind).text : ''
      return text === '' ? [] : [{ name, text }]
    })
    const [only, ...others] = texts
    if (only && others.length === 0) return only.text
    return texts.map(({ name, text }) => `${name}\n\n${text}`).join('\n\n')
  } finally {
    roots.destroy()
  }
}
