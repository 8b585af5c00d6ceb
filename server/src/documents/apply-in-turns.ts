import * as Y from 'yjs'
import { type DeletionPiece, deletionPieces } from './deletions.ts'
import { inTurns } from './pace.ts'
import { asReceived } from './received.ts'
import { type SliceSize, slicesOf } from './slices.ts'
import { inShortWays } from './ways.ts'

/** How long one slice should take, in ms: then the next one is made larger or smaller. */
const wanted = { least: 3, most: 10 }
const sizes = { smallest: 50, first: 200, largest: 2_000 }
/** Merging is done in one go: larger updates stay as they came. In bytes. */
const largestMerged = 256 * 1024

/** What has become of an update that was applied in turns. */
export type Applied =
  /**
   * What it brought, as one update; null when the document had it all. If Yjs threw, what it had taken by then. And what
   * came with it because it had waited for it.
   */
  | { kind: 'applied'; update: Uint8Array | null; released: Uint8Array | null }
  /** Yjs threw in the middle of it, and there is no cheap way to say what it had taken by then. */
  | { kind: 'torn'; cause: unknown }
  /** It was not wanted any more. */
  | { kind: 'ended' }

/**
 * Applies a client's update to a document that others use, a few ms at a time (R6.34). Nobody hears of a part of it: who
 * listens to the document is told of the whole by whoever calls this.
 * @param isWanted asked after each turn; false ends it with nothing told
 */
export async function applyInTurns(
  document: Y.Doc,
  update: Uint8Array,
  { origin, isWanted }: { origin: unknown; isWanted: () => boolean },
): Promise<Applied> {
  const waiting = takeWaiting(document)
  const pace = inTurns()
  const emitted: Uint8Array[] = []
  const released: Uint8Array[] = []
  const size: SliceSize = { structs: sizes.first, bytes: 256 * 1024 }
  /** @returns false when it is not wanted any more */
  const applyAll = async (whole: Uint8Array, told: Uint8Array[]): Promise<boolean> => {
    for (const part of partsOf(document, whole, size)) {
      if (part) size.structs = nextSize(size.structs, applyPart(document, part, origin, told))
      if (!pace.isOver()) continue
      await pace.rest()
      if (!isWanted()) return false
    }
    return true
  }
  try {
    if (!(await applyAll(update, emitted))) return { kind: 'ended' }
    // what has to wait now may stand on what waited before: together they come in their order
    const waits = waiting && Y.mergeUpdates([waiting, takeWaiting(document) ?? waiting])
    if (waits && !(await applyAll(waits, released))) return { kind: 'ended' }
  } catch (cause) {
    // what waited is in the journal
    if (waiting || !isSmall(emitted)) return { kind: 'torn', cause }
    return { kind: 'applied', update: merged(emitted), released: null }
  }
  // a copy: the update is a view into the socket's read buffer
  return { kind: 'applied', update: isSmall(emitted) ? merged(emitted) : update.slice(), released: merged(released) }
}

/** What Yjs keeps aside it would look through in one go, as soon as one struct of it may come: it waits here (R6.52). */
function takeWaiting({ store }: Y.Doc): Uint8Array | null {
  const { pendingStructs } = store
  store.pendingStructs = null
  return pendingStructs && Y.convertUpdateFormatV2ToV1(pendingStructs.update)
}

/** Null when it was only looked through: time to see to something else. */
function* partsOf(document: Y.Doc, update: Uint8Array, size: SliceSize): Generator<DeletionPiece | null> {
  for (const slice of slicesOf(update, size)) {
    if (!slice.update) yield null
    else if (slice.deletions === 0) yield* inShortWays(slice.update, document)
    else yield* deletionPieces(document, Y.decodeUpdate(slice.update).ds.clients, () => size.structs)
  }
}

/** @returns how long it took, in ms */
function applyPart(document: Y.Doc, part: DeletionPiece, origin: unknown, emitted: Uint8Array[]): number {
  const began = performance.now()
  if (part instanceof Uint8Array) applySlice(document, part, origin, emitted)
  else part()
  return performance.now() - began
}

function applySlice(document: Y.Doc, slice: Uint8Array, origin: unknown, emitted: Uint8Array[]): void {
  const listeners = document._observers.get('update')
  const collect = (update: Uint8Array, _origin: unknown, _document: Y.Doc, transaction: Y.Transaction) =>
    emitted.push(asReceived(update, transaction, slice))
  document._observers.set('update', new Set([collect]))
  try {
    Y.applyUpdate(document, slice, origin)
  } finally {
    if (listeners) document._observers.set('update', listeners)
    else document._observers.delete('update')
  }
}

function nextSize(structs: number, took: number): number {
  if (took > wanted.most) return Math.max(sizes.smallest, structs >> 1)
  return took < wanted.least ? Math.min(sizes.largest, structs * 2) : structs
}

/** Whether it may be merged; what came in one piece need not be. */
const isSmall = (emitted: readonly Uint8Array[]): boolean =>
  emitted.length <= 1 || emitted.reduce((sum, { byteLength }) => sum + byteLength, 0) <= largestMerged

function merged(emitted: Uint8Array[]): Uint8Array | null {
  const [first, ...others] = emitted
  return first && others.length > 0 ? Y.mergeUpdates(emitted) : (first ?? null)
}
