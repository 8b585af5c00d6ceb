import { setImmediate } from 'node:timers/promises'
import type { Pace } from '@tidemark/shared'

/** How long others may have to wait for their turn, in ms. */
const longestTurn = 8

/** Long work in turns (R6.12): between two of them other documents have theirs. The first begins now. */
export function inTurns(): Pace {
  let end = performance.now() + longestTurn
  return {
    isOver: () => performance.now() >= end,
    async rest() {
      await setImmediate()
      end = performance.now() + longestTurn
    },
  }
}
