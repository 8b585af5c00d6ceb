import type { Clock } from '@tidemark/shared'
import type { Locks as AllLocks } from '../tabs/world.ts'

/** What is needed of the Web Locks API. */
export type Locks = Pick<AllLocks, 'request'>

/** ms; a tab that is frozen while it holds the lock would keep the others waiting. */
const timeLimit = 10_000

/** Runs while no other tab does under the same name, as far as this browser can say so. */
export async function alone<Value>(
  locks: Locks | null,
  clock: Clock,
  name: string,
  run: () => Promise<Value>,
): Promise<Value> {
  if (!locks) return run()
  let hasBegun = false
  const waiting = new AbortController()
  const cancel = clock.after(timeLimit, () => waiting.abort())
  try {
    return await locks.request(name, { signal: waiting.signal }, () => {
      hasBegun = true
      cancel()
      return run()
    })
  } catch (error) {
    if (hasBegun) throw error
    // it took too long, or this page may not use locks
    return await run()
  } finally {
    cancel()
  }
}
