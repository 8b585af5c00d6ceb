import { describe, expect, test } from 'vitest'
import { replay, simulate } from './world/simulate.ts'
import type { Step } from './world/steps.ts'

const runs = Number(process.env.TIDEMARK_SIMULATION_RUNS ?? 500)
const first = Number(process.env.TIDEMARK_SIMULATION_SEED ?? 1)

test('[C4] [R1] [R2] [R3] [R4] [R9] [D1] whatever happens to tabs, devices, disks, networks and the server, every promise is kept', async () => {
  const failures: string[] = []
  for (let seed = first; seed < first + runs && failures.length < 3; seed++) {
    await simulate(seed).catch((error: Error) => failures.push(error.message))
  }
  expect(failures.join('\n\n')).toBe('')
}, 3_600_000)

/** Schedules that once went wrong, shortened. */
const once: readonly (readonly [what: string, seed: number, steps: readonly Step[]])[] = [
  [
    '[D1.2] an edit made while its tab was opening reaches all other tabs, not only the one that leads',
    14,
    [
      { does: 'crash', tab: 11 },
      { does: 'open tab', device: 1, isVisible: true },
      { does: 'crash', tab: 9 },
      { does: 'open tab', device: 1, isVisible: true },
      { does: 'insert', tab: 5, document: 'notes', at: 87 },
    ],
  ],
  [
    '[D1.6] a tab that leaves while the leader has its presence to tell throws nothing',
    16,
    [
      { does: 'open tab', device: 2, isVisible: false },
      { does: 'wait', ms: 40_000 },
      { does: 'close document', tab: 7, document: 'plan' },
    ],
  ],
  [
    '[D1.3] [R3] what is written after an edit of a tab that died at once is not out of sight for ever',
    256,
    [
      { does: 'open tab', device: 2, isVisible: false },
      { does: 'wait', ms: 30 },
      { does: 'insert', tab: 3, document: 'plan', at: 27 },
      { does: 'fail storage' },
      { does: 'crash', tab: 3 },
      { does: 'wait', ms: 4_000 },
      { does: 'insert', tab: 5, document: 'plan', at: 43 },
      { does: 'close document', tab: 11, document: 'plan' },
    ],
  ],
  [
    '[R1.1] [R3.1] a tab that opens while another stores takes nothing for loaded that is not in the rows yet',
    50,
    [
      { does: 'open tab', device: 0, isVisible: true },
      { does: 'open tab', device: 0, isVisible: true },
      { does: 'insert', tab: 9, document: 'plan', at: 60 },
      { does: 'open tab', device: 2, isVisible: true },
      { does: 'insert', tab: 10, document: 'plan', at: 99 },
      { does: 'close document', tab: 10, document: 'plan' },
    ],
  ],
]

describe('what once went wrong', () => {
  test.each(once)('%s (seed %i)', async (_, seed, steps) => {
    await replay(seed, steps)
  })
})
