import type { TidemarkError } from '@tidemark/shared'
import type { TidemarkDocument } from '../document.ts'

type Listener = (error: TidemarkError) => void

const listeners = new WeakMap<TidemarkDocument, Set<Listener>>()

/** Tells what a store refused to the app's one path for errors: the document's `error` event, and the DOM events. */
export function tellRefusal(document: TidemarkDocument, error: TidemarkError): void {
  const { report } = document as { report?: Listener }
  if (report) report.call(document, error)
  else for (const listener of listeners.get(document) ?? []) listener(error)
}

/** @returns a function that stops listening */
export function onRefusal(document: TidemarkDocument, listener: Listener): () => void {
  const ofDocument = listeners.get(document) ?? new Set()
  listeners.set(document, ofDocument.add(listener))
  return () => void ofDocument.delete(listener)
}
