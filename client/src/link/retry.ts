/** When to try again, as data. Delays are ms. */
export type RetrySchedule =
  /** `first × factor^(n-1)`, at most `max`; with jitter, between half of that and all of it. */
  | {
      readonly kind: 'exponential'
      readonly first: number
      readonly factor: number
      readonly max: number
      readonly jitter: boolean
    }
  /** One delay after another; the last one stays. */
  | { readonly kind: 'steps'; readonly delays: readonly number[]; readonly jitter: boolean }

export const defaultRetry: RetrySchedule = { kind: 'exponential', first: 500, factor: 2, max: 30_000, jitter: true }

/**
 * How long to wait after the n-th failure in a row (n counts from 1).
 * Jitter keeps the clients of a restarted server from coming back all at once.
 * @param random a number in [0, 1)
 */
export function retryDelay(schedule: RetrySchedule, failures: number, random: number): number {
  const delay = plainDelay(schedule, Math.max(1, failures))
  return schedule.jitter ? delay / 2 + (delay / 2) * random : delay
}

/** How many tries a schedule has before failing goes on for as long as it likes. */
export function triesOf(schedule: RetrySchedule): number {
  return schedule.kind === 'steps' ? schedule.delays.length : 5
}

function plainDelay(schedule: RetrySchedule, failures: number): number {
  if (schedule.kind === 'exponential') {
    // the thousandth failure is beyond all numbers, and nothing times that is none
    return Math.min(schedule.max, schedule.first * Math.min(schedule.factor ** (failures - 1), Number.MAX_VALUE))
  }
  return schedule.delays[Math.min(failures, schedule.delays.length) - 1] ?? 0
}
