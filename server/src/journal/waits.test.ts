import { TidemarkError } from '@tidemark/shared'
import { beforeEach, expect, test } from 'vitest'
import { JournalLine } from './line.ts'
import { patience } from './patience.ts'
import { Waits } from './waits.ts'

const { tellMs } = patience
/** Time since the begin, which nobody can set, and what the clock on the wall says. */
let time: number
let wall: number
let timers: { at: number; callback: () => void }[]
let isAvailable: boolean
let told: string[]
let waits: Waits

beforeEach(() => {
  time = 0
  wall = 1_000_000
  timers = []
  isAvailable = true
  told = []
  waits = new Waits({
    clock: {
      now: () => wall,
      after(delay, callback) {
        const timer = { at: time + delay, callback }
        timers.push(timer)
        return () => {
          timers = timers.filter((other) => other !== timer)
        }
      },
      random: Math.random,
    },
    isAvailable: () => isAvailable,
    causeOf: (line) => (line.documentName === 'locked' ? 'its row is locked' : null),
    tell: (line, cause) => told.push(`${time} ${line.documentName} ${cause === null ? 'goes on' : cause}`),
  })
})

function advance(ms: number): void {
  for (const end = time + ms; time < end; ) {
    time++
    wall++
    for (const timer of timers.filter(({ at }) => at <= time)) {
      timers = timers.filter((other) => other !== timer)
      timer.callback()
    }
  }
}

/** A document of which so many edits wait. */
function waiting(name: string, edits = 1): JournalLine {
  const line = new JournalLine({ id: 1, name, epoch: 'epoch', revision: 0 })
  line.appended += edits
  waits.begin(line)
  return line
}

function store(line: JournalLine): void {
  line.committed(1, { revision: line.revision + 1, stamp: null })
  waits.goesOn(line)
}

test('[R5.5] [R6.18] each document’s people hear once that it waits, why, and when that is over', () => {
  const locked = waiting('locked')
  advance(400)
  const other = waiting('other')
  waits.begin(locked)
  expect(timers).toHaveLength(1)
  advance(3 * tellMs)
  // what comes to it later is nothing new
  waits.begin(locked)
  advance(3 * tellMs)
  expect(told).toEqual([
    `${tellMs} locked its row is locked`,
    `${400 + tellMs} other Error: nothing of it was stored for ${tellMs} ms`,
  ])
  store(other)
  store(locked)
  expect(told.slice(2)).toEqual([`${time} other goes on`, `${time} locked goes on`])
  expect(timers).toEqual([])
})

test('[R6.18] a document of which something is stored again and again is in no trouble; where it stops, it is', () => {
  const line = waiting('plan', 10)
  for (let stored = 0; stored < 9; stored++) {
    advance(tellMs - 1)
    store(line)
  }
  expect(told).toEqual([])
  advance(tellMs)
  expect(told).toHaveLength(1)
})

test('[R5.5] while the database is away everybody hears of that; afterwards a document’s time begins anew', () => {
  const line = waiting('locked')
  isAvailable = false
  advance(10 * tellMs + 100)
  isAvailable = true
  advance(tellMs - 101)
  expect(told).toEqual([])
  advance(tellMs)
  expect(told).toHaveLength(1)
  expect(line.isTroubled).toBe(true)
})

test('a clock that is set back does not keep people waiting for longer than once more', () => {
  waiting('locked')
  wall -= 86_400_000
  advance(2 * tellMs)
  expect(told).toHaveLength(1)
})

test('[R6.2] nobody is told that a document waits which never will be stored', () => {
  waiting('locked').fail(new TidemarkError('document-write-failed'))
  advance(2 * tellMs)
  expect(told).toEqual([])
})

test('[W3] closed, it waits for nothing', () => {
  waiting('locked')
  waits.close()
  expect(timers).toEqual([])
})

test('[W3] nor for what comes after that', () => {
  waits.close()
  waiting('other')
  expect(timers).toEqual([])
})
