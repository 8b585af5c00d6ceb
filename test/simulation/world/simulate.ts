import { simulationOf } from '../schedules.ts'
import { Life } from './life.ts'
import { describe, schedule } from './steps.ts'

export const { failureOf, simulate, replay } = simulationOf({
  schedule,
  describe,
  async live(seed, steps) {
    const life = new Life(seed)
    try {
      await life.live(steps)
    } finally {
      life.close()
    }
  },
  tries: 80,
})
