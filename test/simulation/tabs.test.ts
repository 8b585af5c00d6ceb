import { afterAll, beforeAll, expect, test } from 'vitest'
import { installGlobals } from './world/browser.ts'
import { simulate } from './world/simulate.ts'

const runs = Number(process.env.TIDEMARK_SIMULATION_RUNS ?? 300)
const first = Number(process.env.TIDEMARK_SIMULATION_SEED ?? 1)

let takeAway = () => {}
beforeAll(() => {
  takeAway = installGlobals()
})
afterAll(() => takeAway())

test('[C4] [R1] [R2] [R3] [R4] [R9] [D1] [D3] whatever happens to tabs, devices, disks, networks and the server, every promise is kept', async () => {
  const failures: string[] = []
  for (let seed = first; seed < first + runs && failures.length < 3; seed++) {
    await simulate(seed).catch((error: Error) => failures.push(error.message))
  }
  expect(failures.join('\n\n')).toBe('')
}, 3_600_000)
