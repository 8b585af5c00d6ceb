/** Time and chance, handed in so that a simulation can drive them (no `Date.now` or `Math.random` in decisions). */
export interface Clock {
  /** Unix time in ms. It may jump, in both directions. */
  now(): number
  /** Calls back after `delay` ms, however many; never when that is `Infinity`. The returned function cancels. */
  after(delay: number, callback: () => void): () => void
  /** A number in [0, 1). */
  random(): number
}

/** Browsers and Node let a timer fire at once that is to wait longer, about 24.8 days. */
const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    if (Number.isNaN(delay)) throw new RangeError('a delay must be a number of ms')
    let timer: ReturnType<typeof setTimeout> | undefined
    const wait = (left: number) => {
      if (left === Number.POSITIVE_INFINITY) return
      const isLast = left <= longestTimer
      timer = setTimeout(() => (isLast ? callback() : wait(left - longestTimer)), Math.min(left, longestTimer))
    }
    wait(delay)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/** Is it a time to wait, in ms? `Infinity` is one: for ever. */
export function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

/** A name that nobody else has: for an opening, a session, a database. */
export function uniqueName(clock: Clock): string {
  return Math.floor(clock.random() * 2 ** 53).toString(36)
}
