import type { Pace } from '@tidemark/shared'
import { eventLoop } from '../fairness/turns.ts'

/** Long work in turns (R6.12): between two of them other documents have theirs. */
export const inTurns = (): Pace => eventLoop.pace()
