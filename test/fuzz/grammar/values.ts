import type { Random } from '../../helpers/random.ts'

/** Numbers at which counting goes wrong. */
const edges = [
  0,
  1,
  2,
  127,
  128,
  2 ** 16,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 48 - 1,
  2 ** 48,
  2 ** 53 - 2,
  2 ** 53 - 1,
]

export const wildNumber = (random: Random): number =>
  random.next() < 0.6 ? random.pick(edges) : Math.floor(random.next() * 2 ** random.int(1, 53))

const words = [
  '',
  'a',
  'edits',
  'text',
  '__proto__',
  'constructor',
  'toString',
  '\0',
  '😀',
  'e\u0301',
  '\u202e',
  'x'.repeat(700),
]

export const word = (random: Random): string => random.pick(words)

/** Text whose length Yjs counts in halves of characters, so that a clock can point between two. */
export function text(random: Random): string {
  const length = random.int(1, random.next() < 0.02 ? 3_000 : 12)
  return Array.from({ length }, () => random.pick(['a', 'b', ' ', 'é', '€', '😀', '👩‍👩‍👧', '\n'])).join('')
}

/** Mostly what an editor could write. `wildness` from 0 to 1: how often it is not. */
export function json(random: Random, wildness: number): string {
  const luck = random.next()
  if (luck < wildness * 0.3) return deepJson(random)
  if (luck < wildness * 0.5) return random.pick(['undefined', '', '{', '[1,]', 'nul', '"', '{"a":1', '1e999', '-'])
  return JSON.stringify(value(random, 3))
}

/** As deep as passes, as is refused, and as no parser survives. */
function deepJson(random: Random): string {
  const depth = random.pick([20, 499, 500, 501, 1_000, 3_000, 8_000, 20_000])
  const [open, end] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const)
  return `${open.repeat(depth)}1${end.repeat(depth)}`
}

function value(random: Random, depth: number): unknown {
  const kinds = depth > 0 ? 8 : 6
  switch (random.int(0, kinds)) {
    case 0:
      return null
    case 1:
      return random.next() < 0.5
    case 2:
      return wildNumber(random)
    case 3:
      return -random.next() * 1e9
    case 7:
      return Array.from({ length: random.int(0, 4) }, () => value(random, depth - 1))
    case 8:
      return Object.fromEntries(
        Array.from({ length: random.int(0, 3) }, () => [word(random), value(random, depth - 1)]),
      )
    default:
      return text(random)
  }
}
