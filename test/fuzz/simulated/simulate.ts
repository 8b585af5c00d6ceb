import { simulationOf } from '../../simulation/schedules.ts'
import { describe, type Findings } from '../findings.ts'
import type { Step } from '../plan.ts'
import { simulateRound, stepsOf } from './round.ts'

/** So many that a document grows old in it, and so few that one that fails can be made short. */
export const framesPerRound = 1_000

class Broken extends Error {
  override readonly name = 'Broken'
}

/** @throws what promises were not kept */
export async function live(seed: number, steps: readonly Step[]): Promise<Findings> {
  const findings = await simulateRound(seed, steps)
  if (findings.complaints.length > 0) throw new Broken(findings.complaints.slice(0, 5).join('\n'))
  return findings
}

/** A round that goes wrong is made short, and told with its seed and what is left of its steps. */
export const { simulate } = simulationOf<Step>({
  schedule: ({ seed }) => stepsOf(seed, framesPerRound),
  describe: (steps) => steps.map(describe).join('\n'),
  async live(seed, steps) {
    await live(seed, steps)
  },
  tries: 120,
})
