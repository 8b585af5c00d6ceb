import type { Random } from '../../helpers/random.ts'

export const documents = ['plan', 'notes'] as const
export type DocumentName = (typeof documents)[number]

export const outcomes = ['fails', 'full', 'silent', 'gone'] as const
export const rudeness = ['throws', 'writes', 'flushes', 'closes', 'retries'] as const
export const moments = ['status', 'pending', 'drained', 'error', 'update'] as const
export type Rudeness = (typeof rudeness)[number]
export type Moment = (typeof moments)[number]

/**
 * What can happen next. Tabs and devices are numbers that are taken modulo those there are, so that a schedule from
 * which steps were left out is still one.
 */
export type Step =
  | { readonly does: 'insert' | 'delete'; readonly tab: number; readonly document: DocumentName; readonly at: number }
  /** One edit of so many bytes; or so many edits in one go. */
  | { readonly does: 'paste'; readonly tab: number; readonly document: DocumentName; readonly bytes: number }
  | { readonly does: 'burst'; readonly tab: number; readonly document: DocumentName; readonly edits: number }
  | { readonly does: 'open tab'; readonly device: number; readonly isVisible: boolean; readonly isPrerendered: boolean }
  | { readonly does: 'hide' | 'show' | 'freeze' | 'resume' | 'crash' | 'close' | 'activate'; readonly tab: number }
  | {
      readonly does:
        | ('close document' | 'reopen document' | 'close and reopen' | 'reopen the same')
        | ('set aside' | 'disconnect' | 'connect' | 'retry')
      readonly tab: number
      readonly document: DocumentName
    }
  | { readonly does: 'flush'; readonly tab: number; readonly document: DocumentName; readonly timeout: number }
  | {
      readonly does: 'be rude'
      readonly tab: number
      readonly document: DocumentName
      readonly on: Moment
      readonly how: Rudeness
    }
  | {
      readonly does: 'sign out'
      readonly tab: number
      readonly flush: boolean
      readonly timeout: number
      readonly wipe: 'when-drained' | 'always' | 'never'
    }
  | { readonly does: 'sign in' | 'second client'; readonly tab: number; readonly isOther: boolean }
  | { readonly does: 'close client' | 'catch up'; readonly tab: number }
  | {
      readonly does:
        | ('offline' | 'online' | 'partition' | 'heal' | 'cut' | 'sleep' | 'wake')
        | ('full disk' | 'broken disk' | 'good disk' | 'slow disk' | 'clear disk' | 'close databases')
        | ('stall locks' | 'answer locks' | 'crash browser')
      readonly device: number
    }
  /** The disk does that with the step after so many others from now on. */
  | {
      readonly does: 'trip disk'
      readonly device: number
      readonly after: number
      readonly outcome: (typeof outcomes)[number]
    }
  | {
      readonly does: 'kill server' | 'start server' | 'fail storage' | 'heal storage' | 'drop sockets' | 'expire tokens'
    }
  | { readonly does: 'delay acks' | 'wait' | 'jump clock'; readonly ms: number }
  | { readonly does: 'reset document'; readonly document: DocumentName }

type Does = Step['does']

/** How often each happens. */
const weights = {
  insert: 30,
  delete: 6,
  paste: 1.5,
  burst: 1,
  wait: 30,
  'open tab': 5,
  hide: 3,
  show: 3,
  freeze: 3,
  resume: 4,
  crash: 3,
  close: 2,
  activate: 2,
  'close document': 2,
  'reopen document': 3,
  'close and reopen': 2,
  'reopen the same': 1,
  'set aside': 1,
  disconnect: 1.5,
  connect: 2,
  retry: 1,
  flush: 2,
  'be rude': 3,
  'sign out': 1,
  'sign in': 2,
  'second client': 0.7,
  'close client': 0.7,
  'catch up': 0.7,
  offline: 3,
  online: 4,
  partition: 2,
  heal: 3,
  cut: 2,
  sleep: 1,
  wake: 2,
  'full disk': 1,
  'broken disk': 0.7,
  'good disk': 3,
  'slow disk': 1,
  'clear disk': 0.4,
  'close databases': 0.7,
  'stall locks': 0.7,
  'answer locks': 2,
  'crash browser': 0.7,
  'trip disk': 2,
  'kill server': 2,
  'start server': 4,
  'fail storage': 1,
  'heal storage': 2,
  'drop sockets': 1,
  'expire tokens': 0.7,
  'delay acks': 3,
  'jump clock': 0.5,
  'reset document': 0.3,
} as const satisfies { readonly [does in Does]: number }
const entries = Object.entries(weights) as readonly [Does, number][]

interface Habit {
  /** What can happen in this life, and how often. */
  readonly possible: readonly (readonly [Does, number])[]
  readonly total: number
  /** Who did something last. */
  tab: number
  device: number
}

/** The schedule of a seed: of what is rare some happens in this life, and then often; who did something goes on. */
export function schedule(random: Random): Step[] {
  const possible = entries.flatMap(([does, weight]): [Does, number][] => {
    if (weight >= 3) return [[does, weight]]
    return random.next() < 0.4 ? [[does, 3 * weight]] : []
  })
  const total = possible.reduce((sum, [, weight]) => sum + weight, 0)
  const habit: Habit = { possible, total, tab: 0, device: 0 }
  return Array.from({ length: random.int(10, 60) }, () => step(random, habit))
}

function step(random: Random, habit: Habit): Step {
  let rest = random.next() * habit.total
  const [does] = habit.possible.find(([, weight]) => (rest -= weight) < 0) ?? habit.possible[0]!
  const document = random.next() < 0.75 ? 'plan' : 'notes'
  const tab = (habit.tab = random.next() < 0.6 ? habit.tab : random.int(0, 7))
  const device = (habit.device = random.next() < 0.6 ? habit.device : random.int(0, 1))
  switch (does) {
    case 'insert':
    case 'delete':
      return { does, tab, document, at: random.int(0, 99) }
    case 'paste':
      return { does, tab, document, bytes: random.pick([3_000, 6_000, 30_000]) }
    case 'burst':
      return { does, tab, document, edits: random.pick([5, 60]) }
    case 'open tab':
      return { does, device, isVisible: random.next() < 0.7, isPrerendered: random.next() < 0.15 }
    case 'hide':
    case 'show':
    case 'freeze':
    case 'resume':
    case 'crash':
    case 'close':
    case 'activate':
    case 'close client':
    case 'catch up':
      return { does, tab }
    case 'close document':
    case 'reopen document':
    case 'close and reopen':
    case 'reopen the same':
    case 'set aside':
    case 'disconnect':
    case 'connect':
    case 'retry':
      return { does, tab, document }
    case 'flush':
      return { does, tab, document, timeout: random.pick([0, 500, 5_000, Number.POSITIVE_INFINITY]) }
    case 'be rude':
      return { does, tab, document, on: random.pick(moments), how: random.pick(rudeness) }
    case 'sign out': {
      const wipe = random.pick(['when-drained', 'when-drained', 'always', 'never'] as const)
      return { does, tab, flush: random.next() < 0.8, timeout: random.pick([0, 1_000, 5_000]), wipe }
    }
    case 'sign in':
    case 'second client':
      return { does, tab, isOther: random.next() < 0.4 }
    case 'delay acks':
      return { does, ms: random.pick([1, 1, 20, 500, 3_000]) }
    case 'wait':
      return { does, ms: random.pick([1, 3, 10, 30, 100, 400, 1_500, 4_000, 12_000, 40_000]) }
    case 'jump clock':
      return { does, ms: random.pick([-3_600_000, -5_000, 5_000, 86_400_000]) }
    case 'reset document':
      return { does, document }
    case 'trip disk':
      return { does, device, after: random.int(0, 25), outcome: random.pick(outcomes) }
    case 'kill server':
    case 'start server':
    case 'fail storage':
    case 'heal storage':
    case 'drop sockets':
    case 'expire tokens':
      return { does }
    default:
      return { does, device }
  }
}

/** One line each, ready to be put into a test. */
export function describe(steps: readonly Step[]): string {
  const value = (what: unknown) =>
    what === Number.POSITIVE_INFINITY ? 'Number.POSITIVE_INFINITY' : JSON.stringify(what)
  return steps
    .map(
      (step) =>
        `  { ${Object.entries(step)
          .map(([key, what]) => `${key}: ${value(what)}`)
          .join(', ')} },`,
    )
    .join('\n')
}
