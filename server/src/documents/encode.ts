import { encodeInSlices } from '@tidemark/shared'
import * as Y from 'yjs'
import { inTurns } from './pace.ts'

/** How often it is begun again because somebody wrote meanwhile. */
const tries = 2

/**
 * Encodes a document exactly as it is at the moment when the promise settles. Others have their turn meanwhile, unless
 * somebody writes in it all the time.
 */
export async function encodeWhole(document: Y.Doc): Promise<Uint8Array> {
  let changes = 0
  const count = () => changes++
  document.on('afterTransaction', count)
  try {
    for (let left = tries; left > 0; left--) {
      const before = changes
      const { update, pending } = await encodeInSlices(document, inTurns())
      if (changes === before && pending === null) return update
    }
  } finally {
    document.off('afterTransaction', count)
  }
  return Y.encodeStateAsUpdate(document)
}
