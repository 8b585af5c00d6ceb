import { expect, test } from 'vitest'
import { simulate } from './world/simulate.ts'

const runs = Number(process.env.TIDEMARK_SIMULATION_RUNS ?? 300)
const first = Number(process.env.TIDEMARK_SIMULATION_SEED ?? 1)

test('[C4] [R1] [R2] [R3] [R4] [R9] [D1] whatever happens to tabs, devices, disks, networks and the server, every promise is kept', async () => {
  const failures: string[] = []
  for (let seed = first; seed < first + runs && failures.length < 3; seed++) {
    await simulate(seed).catch((error: Error) => failures.push(error.message))
  }
  expect(failures.join('\n\n')).toBe('')
}, 600_000)
