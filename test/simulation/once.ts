import type { Step } from './world/steps.ts'

/** Schedules that once went wrong, shortened. */
export const once: readonly (readonly [what: string, seed: number, steps: readonly Step[]])[] = [
  [
    '[R9.7] what was set aside while the disk had no room for it is not sent when it has',
    239,
    [
      { does: 'trip disk', device: 1, after: 2, outcome: 'full' },
      { does: 'insert', tab: 1, document: 'plan', at: 0 },
      { does: 'offline', device: 1 },
      { does: 'wait', ms: 100 },
      { does: 'freeze', tab: 6 },
      { does: 'insert', tab: 6, document: 'plan', at: 42 },
      { does: 'set aside', tab: 4, document: 'plan' },
    ],
  ],
]
