import * as Y from 'yjs'
import { structSize } from '../documents/weight.ts'

/** So long what is missing is looked at, in ms; if that is not enough, it may as well be all. */
const longestMs = 0.3
/** A range of deletions, of which each takes two structs at least; and a client. In bytes. */
const rangeBytes = 5
const clientBytes = 16

/**
 * About how large the answer to a question is, without building it; rather more.
 * @param whole the size of the document
 */
export function answerSize({ store }: Y.Doc, known: ReadonlyMap<number, number>, whole: number): number {
  let size = (store.pendingStructs?.update.byteLength ?? 0) + (store.pendingDs?.byteLength ?? 0)
  if (known.size === 0) return whole
  const end = performance.now() + longestMs
  for (const [client, structs] of store.clients) {
    size += clientBytes + Math.ceil(structs.length / 2) * rangeBytes
    const from = known.get(client) ?? 0
    if (from >= Y.getState(store, client)) continue
    for (let index = from === 0 ? 0 : Y.findIndexSS(structs, from); index < structs.length; index++) {
      if (size > whole || performance.now() > end) return whole
      size += structSize(structs[index] as Y.Item | Y.GC)
    }
  }
  return Math.min(size, whole)
}
