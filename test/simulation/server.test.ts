import { describe, expect, test } from 'vitest'
import { once, rare } from './server/named.ts'
import { replay, simulate } from './server/simulate.ts'

const runs = Number(process.env.TIDEMARK_SERVER_SIMULATION_RUNS ?? 200)
const first = Number(process.env.TIDEMARK_SERVER_SIMULATION_SEED ?? 1)

test('[R1] [R3] [R5] [R6] [R7] [W2] [W3] whatever happens to the database, the servers and their lines, every promise is kept', async () => {
  const failures: string[] = []
  for (let seed = first; seed < first + runs && failures.length < 3; seed++) {
    await simulate(seed).catch((error: Error) => failures.push(error.message))
  }
  expect(failures.join('\n\n')).toBe('')
}, 3_600_000)

describe('what is rare', () => {
  test.each(rare)('%s', async (_, steps) => {
    await replay(7, steps)
  })
})

describe('what once went wrong', () => {
  test.each(once)('%s (seed %i)', async (_, seed, steps) => {
    await replay(seed, steps)
  })
})
