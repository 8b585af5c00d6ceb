import { performance } from 'node:perf_hooks'
import { seededRandom } from '../statistics.ts'

export interface Pace {
  readonly perSecond: number
  readonly seconds: number
  readonly seed: number
}

/**
 * Acts at moments that are fixed beforehand (Poisson arrivals), whatever the system under load does: an open loop, so
 * that a system that stalls gets all the load it would get from people who do not wait for it.
 * @param act gets the number of the act and the moment it was due (`performance.now()`)
 * @param stopped ends it early
 * @returns how many acts there were, and how late each was: the load's own fault, not the system's
 */
export function pace(
  { perSecond, seconds, seed }: Pace,
  act: (index: number, due: number) => void,
  stopped: () => boolean = () => false,
): Promise<{ acts: number; lateness: number[] }> {
  const random = seededRandom(seed)
  const gap = () => (-Math.log(1 - random()) * 1000) / perSecond
  const start = performance.now()
  const end = start + seconds * 1000
  const lateness: number[] = []
  let due = start + gap()
  let acts = 0
  return new Promise((resolve) => {
    const turn = () => {
      const now = performance.now()
      while (due <= now && due < end && !stopped()) {
        lateness.push(performance.now() - due)
        act(acts++, due)
        due += gap()
      }
      if (due >= end || stopped()) resolve({ acts, lateness })
      else setTimeout(turn, Math.min(Math.max(due - performance.now(), 0), 1000))
    }
    turn()
  })
}
