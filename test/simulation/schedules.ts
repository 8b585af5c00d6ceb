import { Random } from '../helpers/random.ts'

/** What a simulation lives through by seed: the same steps give the same life. */
export interface Schedules<Step> {
  schedule(random: Random): readonly Step[]
  describe(steps: readonly Step[]): string
  /** Lives through the steps. @throws what went wrong, with the name `Broken` when it is a promise */
  live(seed: number, steps: readonly Step[]): Promise<void>
  /** How many lives may be spent on making a schedule shorter that failed. */
  readonly tries: number
}

export interface Simulation<Step> {
  /** Lives through a schedule. @returns what went wrong, or null */
  failureOf(seed: number, steps: readonly Step[]): Promise<string | null>
  /** @throws with the seed and its schedule, shortened as far as it still fails */
  simulate(seed: number): Promise<void>
  /** Lives through a schedule that once went wrong. @throws when it does again */
  replay(seed: number, steps: readonly Step[]): Promise<void>
}

export function simulationOf<Step>({ schedule, describe, live, tries }: Schedules<Step>): Simulation<Step> {
  const failureOf = async (seed: number, steps: readonly Step[]) => {
    try {
      await live(seed, steps)
      return null
    } catch (error) {
      if (!(error instanceof Error)) return String(error)
      return error.name === 'Broken' ? error.message : String(error.stack)
    }
  }

  /** Leaves out what is not needed for a failure of this kind: larger parts first, then single steps. */
  const shorten = async (seed: number, steps: readonly Step[], kind: string) => {
    let short = steps
    let left = tries
    for (let size = short.length >> 1; size >= 1; size >>= 1) {
      for (let from = 0; from < short.length && left > 0; ) {
        const fewer = [...short.slice(0, from), ...short.slice(from + size)]
        left--
        const failure = await failureOf(seed, fewer)
        if (failure && kindOf(failure) === kind) short = fewer
        else from += size
      }
    }
    return short
  }

  return {
    failureOf,
    async simulate(seed) {
      const steps = schedule(new Random(seed))
      const failure = await failureOf(seed, steps)
      if (!failure) return
      const short = await shorten(seed, steps, kindOf(failure))
      const message = (await failureOf(seed, short)) ?? failure
      throw new Error(`seed ${seed}: ${message}\nreplay(${seed}, [\n${describe(short)}\n])`)
    },
    async replay(seed, steps) {
      const failure = await failureOf(seed, steps)
      if (failure) throw new Error(failure)
    },
  }
}

/** The rule that was broken. */
function kindOf(failure: string): string {
  return failure.slice(0, failure.indexOf(' '))
}
