import type { Random } from '../../helpers/random.ts'

export const documents = ['plan', 'notes', 'list'] as const
export type DocumentName = (typeof documents)[number]
export const writers = 4
export const nodes = 2

/** What can happen next. */
export type Step =
  | {
      readonly does:
        | ('write' | 'write much' | 'overwrite' | 'delete' | 'write ahead' | 'write nonsense')
        | ('begin paragraph' | 'write in paragraph' | 'delete paragraph')
      readonly writer: number
      readonly document: DocumentName
    }
  /** One writes on and on while the next steps happen. */
  | { readonly does: 'type on'; readonly writer: number; readonly document: DocumentName; readonly edits: number }
  /** Everybody writes on and on for a while, faster than the database answers; or everybody writes once in each document. */
  | { readonly does: 'storm' | 'all write'; readonly number: number }
  | { readonly does: 'open' | 'close'; readonly writer: number; readonly document: DocumentName }
  | { readonly does: 'cut' | 'dead line' | 'leave' | 'come back'; readonly writer: number }
  | { readonly does: 'move'; readonly writer: number; readonly node: number }
  | { readonly does: 'kill' | 'start' | 'stop'; readonly node: number }
  | { readonly does: 'lock' | 'break' | 'refuse' | 'cancel' | 'unlock'; readonly document: DocumentName }
  | { readonly does: 'lock table' | 'lose connections'; readonly number: number }
  | { readonly does: 'slow' | 'read-only' | 'full' | 'away' | 'well' | 'jump clock'; readonly number: number }
  | { readonly does: 'rewind'; readonly commits: number }
  | {
      readonly does: 'damage'
      readonly document: DocumentName
      readonly number: number
      readonly source: 'update' | 'snapshot'
    }
  | { readonly does: 'repair' }
  | { readonly does: 'wait'; readonly ms: number }

type Does = Step['does']

/** How often each happens. */
const weights: { readonly [does in Does]: number } = {
  write: 24,
  'write much': 14,
  overwrite: 6,
  delete: 4,
  'write ahead': 2,
  'write nonsense': 3,
  'begin paragraph': 3,
  'write in paragraph': 6,
  'delete paragraph': 2,
  'type on': 5,
  storm: 1,
  'all write': 4,
  open: 4,
  close: 3,
  cut: 3,
  'dead line': 1,
  leave: 2,
  'come back': 4,
  move: 2,
  kill: 3,
  start: 6,
  stop: 3,
  lock: 3,
  break: 1.5,
  refuse: 2,
  cancel: 1.5,
  unlock: 4,
  'lock table': 2,
  'lose connections': 3,
  slow: 2,
  'read-only': 1.5,
  full: 1.5,
  away: 2,
  well: 8,
  'jump clock': 0.7,
  rewind: 1,
  damage: 4,
  repair: 1,
  wait: 26,
}
const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0)

/** The schedule of a seed. */
export function schedule(random: Random): Step[] {
  return Array.from({ length: random.int(8, 50) }, () => step(random))
}

function step(random: Random): Step {
  let rest = random.next() * total
  const does = (Object.keys(weights) as Does[]).find((does) => (rest -= weights[does]) < 0) ?? 'wait'
  const document = random.pick(['plan', 'plan', 'plan', 'notes', 'notes', 'list'] as const)
  const [writer, node, number] = [random.int(0, writers - 1), random.int(0, nodes - 1), random.int(0, 99)]
  switch (does) {
    case 'type on':
      return { does, writer, document, edits: random.int(5, 60) }
    case 'open':
    case 'close':
    case 'write':
    case 'write much':
    case 'overwrite':
    case 'delete':
    case 'write ahead':
    case 'write nonsense':
    case 'begin paragraph':
    case 'write in paragraph':
    case 'delete paragraph':
      return { does, writer, document }
    case 'cut':
    case 'dead line':
    case 'leave':
    case 'come back':
      return { does, writer }
    case 'move':
      return { does, writer, node }
    case 'kill':
    case 'start':
    case 'stop':
      return { does, node }
    case 'lock':
    case 'break':
    case 'refuse':
    case 'cancel':
    case 'unlock':
      return { does, document }
    case 'rewind':
      return { does, commits: random.int(1, 6) }
    case 'damage':
      return { does, document, number, source: random.pick(['update', 'update', 'snapshot'] as const) }
    case 'repair':
      return { does }
    case 'wait':
      return { does, ms: random.pick([1, 3, 10, 30, 100, 100, 400, 400, 1_500, 1_500, 4_000, 12_000, 40_000]) }
    default:
      return { does, number }
  }
}

/** One line for each step, ready to be put into a test. */
export function describe(steps: readonly Step[]): string {
  return steps.map((step) => `  ${JSON.stringify(step)},`).join('\n')
}
