import type { TidemarkClient } from './client.ts'
import type { TidemarkDocument } from './document.ts'

export interface Watching {
  /** @returns functions that stop it */
  readonly watch: (document: TidemarkDocument) => readonly (() => void)[]
  /** It was closed. Nothing of it may be kept. */
  readonly closed: (document: TidemarkDocument) => void
}

/**
 * Watches a document, or all of a client's, those that are opened later too. Each is let go when it is closed, so that
 * whoever watches keeps none of them alive.
 * @returns a function that stops it
 */
export function watchDocuments(source: TidemarkDocument | TidemarkClient, { watch, closed }: Watching): () => void {
  const watched = new Map<TidemarkDocument, readonly (() => void)[]>()
  const letGo = (document: TidemarkDocument) => {
    for (const off of watched.get(document) ?? []) off()
    watched.delete(document)
  }
  const begin = (document: TidemarkDocument) => {
    const offDestroy = document.on('destroy', () => {
      letGo(document)
      closed(document)
    })
    watched.set(document, [offDestroy, ...watch(document)])
  }
  let offOpened = () => {}
  if ('documents' in source) {
    for (const document of source.documents) begin(document)
    offOpened = source.on('opened', begin)
  } else begin(source)
  return () => {
    offOpened()
    for (const document of [...watched.keys()]) letGo(document)
  }
}
