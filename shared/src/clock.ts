/** Time and chance, handed in so that a simulation can drive them (no `Date.now` or `Math.random` in decisions). */
export interface Clock {
  /** Unix time in ms. It may jump, in both directions. */
  now(): number
  /** Calls back after `delay` ms; the returned function cancels. */
  after(delay: number, callback: () => void): () => void
  /** A number in [0, 1). */
  random(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/** A name that nobody else has: for an opening, a session, a database. */
export function uniqueName(clock: Clock): string {
  return Math.floor(clock.random() * 2 ** 53).toString(36)
}
