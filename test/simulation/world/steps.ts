import type { Random } from '../../helpers/random.ts'

export const documents = ['plan', 'notes'] as const
export type DocumentName = (typeof documents)[number]

/**
 * What can happen next. Tabs and devices are numbers that are taken modulo those there are, so that a schedule from
 * which steps were left out is still one.
 */
export type Step =
  | { readonly does: 'insert' | 'delete'; readonly tab: number; readonly document: DocumentName; readonly at: number }
  | { readonly does: 'open tab'; readonly device: number; readonly isVisible: boolean }
  | { readonly does: 'hide' | 'show' | 'freeze' | 'resume' | 'crash' | 'close'; readonly tab: number }
  | { readonly does: 'close document' | 'reopen document'; readonly tab: number; readonly document: DocumentName }
  | {
      readonly does:
        | ('offline' | 'online' | 'partition' | 'heal' | 'cut' | 'sleep' | 'wake')
        | ('full disk' | 'broken disk' | 'good disk' | 'slow disk' | 'clear disk')
      readonly device: number
    }
  | { readonly does: 'kill server' | 'start server' | 'fail storage' | 'heal storage' | 'drop sockets' }
  | { readonly does: 'delay acks' | 'wait' | 'jump clock'; readonly ms: number }
  | { readonly does: 'reset document'; readonly document: DocumentName }

type Does = Step['does']

/** How often each happens. */
const weights: readonly (readonly [Does, number])[] = [
  ...([
    ['insert', 30],
    ['delete', 6],
    ['wait', 30],
  ] as const),
  ...([
    ['open tab', 5],
    ['hide', 4],
    ['show', 4],
    ['freeze', 3],
    ['resume', 4],
    ['crash', 3],
    ['close', 2],
  ] as const),
  ...([
    ['close document', 2],
    ['reopen document', 2],
  ] as const),
  ...([
    ['offline', 3],
    ['online', 4],
    ['partition', 2],
    ['heal', 3],
    ['cut', 2],
    ['sleep', 1],
    ['wake', 2],
  ] as const),
  ...([
    ['full disk', 1],
    ['broken disk', 1],
    ['good disk', 3],
    ['slow disk', 1],
    ['clear disk', 0.4],
  ] as const),
  ...([
    ['kill server', 2],
    ['start server', 4],
    ['fail storage', 1],
    ['heal storage', 2],
    ['drop sockets', 1],
  ] as const),
  ...([
    ['delay acks', 3],
    ['jump clock', 0.5],
    ['reset document', 0.3],
  ] as const),
]
const total = weights.reduce((sum, [, weight]) => sum + weight, 0)

/** The schedule of a seed. */
export function schedule(random: Random): Step[] {
  return Array.from({ length: random.int(10, 60) }, () => step(random))
}

function step(random: Random): Step {
  let rest = random.next() * total
  const [does] = weights.find(([, weight]) => (rest -= weight) < 0) ?? weights[0]!
  const document = random.next() < 0.75 ? 'plan' : 'notes'
  const tab = random.int(0, 11)
  const device = random.int(0, 2)
  switch (does) {
    case 'insert':
    case 'delete':
      return { does, tab, document, at: random.int(0, 99) }
    case 'open tab':
      return { does, device, isVisible: random.next() < 0.7 }
    case 'hide':
    case 'show':
    case 'freeze':
    case 'resume':
    case 'crash':
    case 'close':
      return { does, tab }
    case 'close document':
    case 'reopen document':
      return { does, tab, document }
    case 'delay acks':
      return { does, ms: random.pick([1, 1, 20, 500, 3_000]) }
    case 'wait':
      return { does, ms: random.pick([1, 3, 10, 30, 100, 400, 1_500, 4_000, 12_000, 40_000]) }
    case 'jump clock':
      return { does, ms: random.pick([-3_600_000, -5_000, 5_000, 86_400_000]) }
    case 'reset document':
      return { does, document }
    case 'kill server':
    case 'start server':
    case 'fail storage':
    case 'heal storage':
    case 'drop sockets':
      return { does }
    default:
      return { does, device }
  }
}

/** One line, ready to be put into a test. */
export function describe(steps: readonly Step[]): string {
  return steps.map((step) => `  ${JSON.stringify(step)},`).join('\n')
}
