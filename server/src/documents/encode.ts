import { encodeInSlices } from '@tidemark/shared'
import * as Y from 'yjs'
import { inTurns } from './pace.ts'

/** How often it is begun again because somebody wrote meanwhile. */
const tries = 2

/**
 * Encodes a document exactly as it is when `capture` is called with it, once. Others have their turn meanwhile, unless
 * somebody writes in it all the time.
 * @param capture notes what belongs to these bytes. It is called instead of a promise that settles with them, because edits
 * are applied between the end of an asynchronous function and whoever waits for it.
 */
export async function encodeWhole<Captured>(
  document: Y.Doc,
  capture: (bytes: Uint8Array) => Captured,
): Promise<Captured> {
  let changes = 0
  const count = () => changes++
  document.on('afterTransaction', count)
  try {
    for (let left = tries; left > 0; left--) {
      const before = changes
      const { update, pending } = await encodeInSlices(document, inTurns())
      if (changes === before && pending === null) return capture(update)
    }
  } finally {
    document.off('afterTransaction', count)
  }
  return capture(Y.encodeStateAsUpdate(document))
}
