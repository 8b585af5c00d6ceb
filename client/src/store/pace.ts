import type { Pace } from '@tidemark/shared'

/** Leaves room below 8 ms for the step that was begun when the time ran out. */
const unfelt = 4
/** While a document is being opened nobody writes in it yet, and each rest makes them wait: a frame's time, at most. */
export const whileOpening = 12

/** Begins a slice now. @param sliceLength in ms */
export function inSlices(sliceLength: number = unfelt): Pace {
  let end = performance.now() + sliceLength
  return {
    isOver: () => performance.now() >= end,
    async rest() {
      await yieldToOthers()
      end = performance.now() + sliceLength
    },
  }
}

function yieldToOthers(): Promise<void> {
  const { scheduler } = globalThis as { scheduler?: { yield?(): Promise<void> } }
  if (scheduler?.yield) return scheduler.yield()
  // not a timer: hidden tabs get one a second
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
