import { simulationOf } from '../schedules.ts'
import { Life } from './life.ts'
import { describe, schedule } from './steps.ts'

export const { failureOf, simulate, replay } = simulationOf({
  schedule,
  describe,
  live: (seed, steps) => new Life(seed).live(steps),
  tries: 150,
})
