import type { Step } from './steps.ts'

/** Schedules that once went wrong, shortened. */
export const once: readonly (readonly [what: string, seed: number, steps: readonly Step[]])[] = [
  [
    '[R7.13] a snapshot holds nothing that is not committed',
    36,
    [
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'type on', writer: 1, document: 'plan', edits: 60 },
      { does: 'write much', writer: 2, document: 'plan' },
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'wait', ms: 400 },
      { does: 'lock table', number: 0 },
      { does: 'write much', writer: 1, document: 'plan' },
      { does: 'wait', ms: 4_000 },
      { does: 'kill', node: 0 },
      { does: 'start', node: 0 },
    ],
  ],
  [
    '[R6.18] [R7.14] an edit that is under way while somebody else finds out that the database was set back is not forgotten',
    114,
    [
      { does: 'wait', ms: 40_000 },
      { does: 'write', writer: 1, document: 'notes' },
      { does: 'wait', ms: 400 },
      { does: 'write much', writer: 1, document: 'notes' },
      { does: 'open', writer: 3, document: 'plan' },
      { does: 'write', writer: 1, document: 'notes' },
      { does: 'move', writer: 3, node: 1 },
      { does: 'write', writer: 3, document: 'plan' },
      { does: 'rewind', commits: 5 },
    ],
  ],
  [
    '[R6.18] [R5.5] a database that takes its time and refuses one document: its people hear within 2 s of their edit',
    400_016,
    [
      { does: 'start', node: 1 },
      { does: 'slow', number: 16 },
      { does: 'kill', node: 0 },
      { does: 'write', writer: 3, document: 'notes' },
      { does: 'break', document: 'notes' },
      { does: 'wait', ms: 12_000 },
    ],
  ],
  [
    '[R6.18] two servers that write to one document all the time are no trouble of the database',
    5,
    [
      { does: 'wait', ms: 12_000 },
      { does: 'storm', number: 99 },
      { does: 'storm', number: 99 },
      { does: 'move', writer: 1, node: 1 },
    ],
  ],
  [
    '[R7.14] a document whose row was held is looked at again when the database was set back meanwhile',
    293,
    [
      { does: 'write much', writer: 3, document: 'plan' },
      { does: 'wait', ms: 100 },
      { does: 'lock', document: 'plan' },
      { does: 'write', writer: 3, document: 'plan' },
      { does: 'wait', ms: 1_500 },
      { does: 'rewind', commits: 5 },
    ],
  ],
  [
    '[R7.9] a row that is mended while a document is being opened is not called missing',
    301_826,
    [
      { does: 'close', writer: 0, document: 'plan' },
      { does: 'write', writer: 1, document: 'plan' },
      { does: 'move', writer: 3, node: 1 },
      { does: 'write', writer: 0, document: 'plan' },
      { does: 'slow', number: 51 },
      { does: 'delete', writer: 0, document: 'list' },
      { does: 'wait', ms: 1_500 },
      { does: 'damage', document: 'plan', number: 68, source: 'update' },
      { does: 'wait', ms: 1_500 },
      { does: 'overwrite', writer: 3, document: 'notes' },
      { does: 'wait', ms: 1_500 },
      { does: 'wait', ms: 1_500 },
    ],
  ],
  [
    '[W3] [R6.4] a socket that could not authenticate while its server stopped leaves no timer behind',
    400_390,
    [
      { does: 'full', number: 17 },
      { does: 'move', writer: 1, node: 1 },
      { does: 'type on', writer: 0, document: 'notes', edits: 10 },
      { does: 'wait', ms: 400 },
      { does: 'write much', writer: 1, document: 'list' },
      { does: 'stop', node: 0 },
      { does: 'wait', ms: 40_000 },
    ],
  ],
  [
    '[R7.14] two servers that write on after the database was set back do not take each other’s revisions for their own',
    170,
    [
      { does: 'start', node: 1 },
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'write', writer: 2, document: 'notes' },
      { does: 'write much', writer: 2, document: 'plan' },
      { does: 'wait', ms: 1_500 },
      { does: 'rewind', commits: 2 },
      { does: 'write', writer: 2, document: 'notes' },
      { does: 'delete paragraph', writer: 3, document: 'list' },
      { does: 'overwrite', writer: 0, document: 'plan' },
      { does: 'write much', writer: 1, document: 'notes' },
      { does: 'write much', writer: 2, document: 'plan' },
      { does: 'move', writer: 1, node: 1 },
      { does: 'write much', writer: 1, document: 'plan' },
      { does: 'overwrite', writer: 0, document: 'notes' },
      { does: 'away', number: 43 },
      { does: 'wait', ms: 10 },
    ],
  ],
  [
    '[R6.14] what a document keeps aside and the database refuses is not tried each time its writer says it',
    500_121,
    [
      { does: 'write', writer: 0, document: 'plan' },
      { does: 'close', writer: 0, document: 'plan' },
      { does: 'storm', number: 91 },
      { does: 'refuse', document: 'plan' },
      { does: 'wait', ms: 1_500 },
    ],
  ],
]

const authorsLeave: readonly Step[] = [0, 1, 2].map((writer) => ({ does: 'leave', writer }))
const everybodyLeaves: readonly Step[] = [...authorsLeave, { does: 'leave', writer: 3 }]

/** What chance meets too seldom to be relied on. */
export const rare: readonly (readonly [what: string, steps: readonly Step[]])[] = [
  [
    '[W3] a server stops soon although people write on and on',
    [
      { does: 'wait', ms: 12_000 },
      { does: 'storm', number: 99 },
      { does: 'wait', ms: 100 },
      { does: 'stop', node: 0 },
      { does: 'wait', ms: 1_500 },
    ],
  ],
  [
    '[R3.3] a document that everybody left while it could not be stored leaves memory once it is',
    [
      { does: 'lock', document: 'plan' },
      { does: 'write', writer: 0, document: 'plan' },
      { does: 'wait', ms: 100 },
      ...authorsLeave,
      { does: 'wait', ms: 1_500 },
      { does: 'unlock', document: 'plan' },
      { does: 'wait', ms: 40_000 },
    ],
  ],
  [
    '[R6.1] damage that decodes is not believed',
    [
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'wait', ms: 400 },
      ...authorsLeave,
      { does: 'damage', document: 'plan', number: 1, source: 'update' },
      { does: 'wait', ms: 1_500 },
      { does: 'open', writer: 3, document: 'plan' },
      { does: 'wait', ms: 1_500 },
    ],
  ],
  [
    '[R7.9] a snapshot says which revisions it lacks',
    [
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'wait', ms: 400 },
      ...authorsLeave,
      { does: 'damage', document: 'plan', number: 4, source: 'update' },
      { does: 'wait', ms: 1_500 },
      { does: 'open', writer: 3, document: 'plan' },
      { does: 'wait', ms: 400 },
      ...Array.from({ length: 5 }, (): Step => ({ does: 'write much', writer: 3, document: 'plan' })),
      { does: 'wait', ms: 4_000 },
    ],
  ],
  [
    '[R7.12] commits whose answers are lost are not stored twice',
    [
      { does: 'wait', ms: 12_000 },
      { does: 'lose connections', number: 14 },
      { does: 'storm', number: 99 },
      { does: 'wait', ms: 4_000 },
    ],
  ],
  [
    '[W2] [R5.8] a server is not ready while the disk is full, and is when there is room again and nobody writes',
    [
      { does: 'wait', ms: 400 },
      { does: 'full', number: 0 },
      { does: 'write', writer: 0, document: 'plan' },
      { does: 'wait', ms: 12_000 },
      { does: 'well', number: 0 },
      { does: 'refuse', document: 'plan' },
      { does: 'wait', ms: 12_000 },
    ],
  ],
  [
    '[R7.14] [R3.3] a document that everybody left while it was stored again leaves memory',
    [
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'wait', ms: 1_500 },
      { does: 'slow', number: 2 },
      { does: 'rewind', commits: 3 },
      { does: 'open', writer: 3, document: 'plan' },
      { does: 'wait', ms: 100 },
      ...everybodyLeaves,
      { does: 'wait', ms: 40_000 },
    ],
  ],
  [
    '[R6.18] [W3] a server that stops while its database is away asks it calmly, and leaves nothing behind',
    [
      { does: 'wait', ms: 400 },
      { does: 'lock', document: 'plan' },
      { does: 'write', writer: 0, document: 'plan' },
      { does: 'wait', ms: 100 },
      { does: 'away', number: 0 },
      { does: 'write', writer: 3, document: 'notes' },
      { does: 'wait', ms: 4_000 },
      { does: 'stop', node: 0 },
      { does: 'wait', ms: 12_000 },
    ],
  ],
  [
    '[R6.14] a deletion that the database refuses is tried ever more seldom',
    [
      { does: 'write much', writer: 0, document: 'plan' },
      { does: 'wait', ms: 1_500 },
      { does: 'refuse', document: 'plan' },
      { does: 'delete', writer: 1, document: 'plan' },
      { does: 'wait', ms: 40_000 },
    ],
  ],
  [
    '[R6.4] a server whose database is away reads no more than its queue may hold',
    [
      { does: 'wait', ms: 400 },
      { does: 'away', number: 0 },
      ...Array.from({ length: 6 }, (): readonly Step[] => [
        ...Array.from({ length: 15 }, (): Step => ({ does: 'write much', writer: 0, document: 'plan' })),
        { does: 'wait', ms: 10 },
      ]).flat(),
      { does: 'wait', ms: 4_000 },
    ],
  ],
]
