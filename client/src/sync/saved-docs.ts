import * as Y from 'yjs'

const saved = new WeakMap<Y.Doc, { readonly place: string; readonly snapshot: Y.Snapshot }>()

/** All of it is durable on the server, under this place's name. */
export function rememberSaved(doc: Y.Doc, place: string): void {
  saved.set(doc, { place, snapshot: Y.snapshot(doc) })
}

/** @returns where all of it was saved, if it is still as it was then */
export function placeOfSaved(doc: Y.Doc): string | null {
  const known = saved.get(doc)
  return known && Y.equalSnapshots(known.snapshot, Y.snapshot(doc)) ? known.place : null
}
