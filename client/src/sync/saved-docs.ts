import * as Y from 'yjs'

const saved = new WeakMap<Y.Doc, { readonly place: string; readonly snapshot: Y.Snapshot }>()

/** All of it is durable on the server, under this place's name. */
export function rememberSaved(doc: Y.Doc, place: string): void {
  saved.set(doc, { place, snapshot: Y.snapshot(doc) })
}

/** Is it as it was when all of it was saved there? */
export function isAsSaved(doc: Y.Doc, place: string): boolean {
  const known = saved.get(doc)
  return known?.place === place && Y.equalSnapshots(known.snapshot, Y.snapshot(doc))
}
