import { type Clock, TidemarkError } from '@tidemark/shared'
import type { LocalCopy } from './local-copy.ts'
import type { CopyFacts } from './local-store.ts'

const tries = 4
/** ms between them. */
const pause = 100

export interface FactsMeans {
  readonly clock: Clock
  /** ms after which an answer is not waited for. */
  readonly openTimeLimit: number
  /** Aborted when nobody wants to know any more. */
  readonly signal: AbortSignal
  readonly onFailure: (error: TidemarkError) => void
}

/**
 * What the disk says of a copy. A browser that fails once is asked again; one that keeps failing, or does not answer
 * in time, cannot have set anything aside meanwhile either, and must not keep edits from the server.
 * @returns null when nobody can tell
 */
export function latestFacts(
  copy: Pick<LocalCopy, 'facts'>,
  { clock, openTimeLimit, signal, onFailure }: FactsMeans,
): Promise<CopyFacts | null> {
  if (signal.aborted) return Promise.resolve(null)
  return new Promise((resolve) => {
    let isSettled = false
    let cancelPause = () => {}
    const settle = (facts: CopyFacts | null) => {
      isSettled = true
      cancelPause()
      cancelLimit()
      signal.removeEventListener('abort', giveUp)
      resolve(facts)
    }
    const giveUp = () => settle(null)
    const fail = (cause: unknown) => {
      settle(null)
      onFailure(
        cause instanceof TidemarkError ? cause : new TidemarkError('local-storage-failed', undefined, { cause }),
      )
    }
    const cancelLimit = clock.after(openTimeLimit, () =>
      fail(new Error(`IndexedDB did not answer within ${openTimeLimit} ms`)),
    )
    const ask = (left: number) => {
      copy.facts().then(
        (facts) => {
          if (!isSettled) settle(facts)
        },
        (cause: unknown) => {
          if (isSettled) return
          if (left === 0) fail(cause)
          else cancelPause = clock.after(pause, () => ask(left - 1))
        },
      )
    }
    signal.addEventListener('abort', giveUp)
    ask(tries - 1)
  })
}
