/** The arithmetic of the bench, pure: nothing here knows what was measured. */

export function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}

/**
 * The nearest-rank percentile: the smallest value that at least `percent` % of all values do not exceed.
 * It is always one of the values, so a p99 is a latency that somebody really had.
 * @returns `null` for no values
 */
export function percentile(ascending: readonly number[], percent: number): number | null {
  if (percent < 0 || percent > 100) throw new RangeError(`a percentile is between 0 and 100, not ${percent}`)
  const rank = Math.max(1, Math.ceil((percent / 100) * ascending.length))
  return ascending[rank - 1] ?? null
}

/** The middle value; of an even number of values, the mean of the two in the middle. `null` for no values. */
export function median(values: readonly number[]): number | null {
  const ascending = sorted(values)
  const middle = ascending.length / 2
  if (ascending.length === 0) return null
  if (ascending.length % 2 === 1) return ascending[Math.floor(middle)]!
  return (ascending[middle - 1]! + ascending[middle]!) / 2
}

export interface LatencySummary {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Of latencies in ms, in any order. `null` for none: no latency is not a latency of 0. */
export function summarise(latencies: readonly number[]): LatencySummary | null {
  const ascending = sorted(latencies)
  const p50 = percentile(ascending, 50)
  const p99 = percentile(ascending, 99)
  if (p50 === null || p99 === null) return null
  return { count: ascending.length, p50, p99, max: ascending.at(-1)! }
}

/** `null` where there is nothing to divide by, so that a ratio that means nothing is never printed as a number. */
export function ratio(value: number | null, base: number | null): number | null {
  return value === null || base === null || base <= 0 ? null : value / base
}

/** Numbers in [0, 1) that are the same in every run (mulberry32): a run can be repeated, and systems get equal load. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
