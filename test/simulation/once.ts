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
  [
    '[R3.1] the mark of an edit is not taken back by what is noted in the same transaction',
    96,
    [
      { does: 'sleep', device: 0 },
      { does: 'close', tab: 7 },
      { does: 'kill server' },
      { does: 'close', tab: 1 },
      { does: 'open tab', device: 1, isVisible: false, isPrerendered: false },
      { does: 'wait', ms: 3 },
      { does: 'insert', tab: 6, document: 'plan', at: 27 },
      { does: 'wait', ms: 1 },
      { does: 'insert', tab: 0, document: 'plan', at: 25 },
      { does: 'wait', ms: 1_500 },
    ],
  ],
  [
    '[R3.5] [R3.4] a document that is closed and opened in one task keeps its edit, and signing out knows of it',
    121,
    [
      { does: 'insert', tab: 3, document: 'plan', at: 25 },
      { does: 'close document', tab: 0, document: 'notes' },
      { does: 'open tab', device: 1, isVisible: false, isPrerendered: false },
      { does: 'paste', tab: 5, document: 'plan', bytes: 6_000 },
      { does: 'insert', tab: 5, document: 'notes', at: 71 },
      { does: 'close and reopen', tab: 5, document: 'plan' },
      { does: 'sign out', tab: 5, flush: true, timeout: 5_000, wipe: 'when-drained' },
      { does: 'insert', tab: 5, document: 'notes', at: 75 },
      { does: 'insert', tab: 5, document: 'plan', at: 58 },
      { does: 'open tab', device: 1, isVisible: false, isPrerendered: false },
    ],
  ],
  [
    '[R3.9] closing settles where the disk never answers',
    184,
    [
      { does: 'reopen the same', tab: 1, document: 'notes' },
      { does: 'trip disk', device: 1, after: 19, outcome: 'silent' },
      { does: 'wait', ms: 1_500 },
      { does: 'close and reopen', tab: 1, document: 'plan' },
    ],
  ],
  [
    '[R2.4] a document that an app closes while the disk is full keeps the question alive',
    252,
    [
      { does: 'full disk', device: 1 },
      { does: 'be rude', tab: 1, document: 'plan', on: 'status', how: 'closes' },
      { does: 'insert', tab: 1, document: 'plan', at: 37 },
      { does: 'wait', ms: 12_000 },
    ],
  ],
  [
    '[R2.4] a client that is closed on a page that was prerendered keeps the question alive',
    2,
    [
      { does: 'crash', tab: 3 },
      { does: 'close client', tab: 0 },
      { does: 'open tab', device: 0, isVisible: true, isPrerendered: true },
      { does: 'insert', tab: 4, document: 'plan', at: 66 },
      { does: 'close client', tab: 6 },
      { does: 'wait', ms: 1_500 },
      { does: 'wait', ms: 4_000 },
    ],
  ],
  [
    '[R6.6] an edit that no message can carry stops no other document',
    18,
    [{ does: 'paste', tab: 0, document: 'plan', bytes: 30_000 }],
  ],
  [
    '[R3.12] an edit whose transaction gets no answer is stored, although its client is signed out',
    30_564,
    [
      { does: 'trip disk', device: 0, after: 4, outcome: 'silent' },
      { does: 'insert', tab: 7, document: 'plan', at: 73 },
      { does: 'reopen the same', tab: 4, document: 'plan' },
      { does: 'paste', tab: 4, document: 'notes', bytes: 3_000 },
      { does: 'sign out', tab: 4, flush: true, timeout: 0, wipe: 'when-drained' },
      { does: 'wait', ms: 1_500 },
    ],
  ],
  [
    '[R3.12] an edit whose transaction gets no answer is stored, although no message can carry it',
    40_026,
    [
      { does: 'wait', ms: 10 },
      { does: 'cut', device: 0 },
      { does: 'crash', tab: 2 },
      { does: 'freeze', tab: 2 },
      { does: 'trip disk', device: 0, after: 19, outcome: 'silent' },
      { does: 'open tab', device: 0, isVisible: true, isPrerendered: false },
      { does: 'paste', tab: 6, document: 'plan', bytes: 30_000 },
      { does: 'wait', ms: 10 },
    ],
  ],
]
