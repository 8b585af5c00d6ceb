import { Random } from '../../helpers/random.ts'
import { Life } from './life.ts'
import { describe, type Step, schedule } from './steps.ts'

/** Lives through a schedule. @returns what went wrong, or null */
export async function failureOf(seed: number, steps: readonly Step[]): Promise<string | null> {
  const life = new Life(seed)
  try {
    await life.live(steps)
    return null
  } catch (error) {
    return error instanceof Error ? (error.name === 'Broken' ? error.message : String(error.stack)) : String(error)
  } finally {
    life.close()
  }
}

/** @throws with the seed and its schedule, shortened as far as it still fails */
export async function simulate(seed: number): Promise<void> {
  const steps = schedule(new Random(seed))
  const failure = await failureOf(seed, steps)
  if (!failure) return
  const short = await shorten(seed, steps, kindOf(failure))
  const message = (await failureOf(seed, short)) ?? failure
  throw new Error(`seed ${seed}: ${message}\nreplay(${seed}, [\n${describe(short)}\n])`)
}

/** Lives through a schedule that once went wrong. @throws when it does again */
export async function replay(seed: number, steps: readonly Step[]): Promise<void> {
  const failure = await failureOf(seed, steps)
  if (failure) throw new Error(failure)
}

/** Leaves out what is not needed for a failure of this kind: larger parts first, then single steps. */
async function shorten(seed: number, steps: readonly Step[], kind: string): Promise<readonly Step[]> {
  let short = steps
  let tries = 80
  for (let size = short.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < short.length && tries > 0; ) {
      const fewer = [...short.slice(0, from), ...short.slice(from + size)]
      tries--
      const failure = await failureOf(seed, fewer)
      if (failure && kindOf(failure) === kind) short = fewer
      else from += size
    }
  }
  return short
}

/** The rule that was broken. */
function kindOf(failure: string): string {
  return failure.slice(0, failure.indexOf(' '))
}
