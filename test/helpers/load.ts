import { Random } from './random.ts'
import { pause } from './until.ts'
import type { Writer } from './writer.ts'

/** Writers who type until they are told to stop: bursts of one to five edits, a moment apart. */
export function typing(
  writers: readonly Writer[],
  { pauseMs = 3, random = new Random() } = {},
): { stop(): Promise<void> } {
  let stopped = false
  const runs = writers.map(async (writer) => {
    while (!stopped) {
      for (let burst = random.int(1, 5); burst > 0; burst -= 1) writer.write()
      await pause(random.int(0, pauseMs))
    }
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(runs)
    },
  }
}
