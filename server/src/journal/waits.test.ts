import { TidemarkError } from '@tidemark/shared'
import { beforeEach, expect, test } from 'vitest'
import { JournalLine } from './line.ts'
import { patience } from './patience.ts'
import { Waits } from './waits.ts'

const { tellMs, lookMs } = patience
/** Until it is told at the latest. */
const latestMs = tellMs + lookMs
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

function store(line: JournalLine, edits = 1): void {
  line.committed(edits, { revision: line.revision + edits, stamp: null })
  waits.goesOn(line)
}

test('[R5.5] [R6.18] each document’s people hear once that it waits, why, and when that is over', () => {
  const locked = waiting('locked')
  advance(400)
  const other = waiting('other')
  expect(timers).toHaveLength(1)
  advance(tellMs - 401)
  expect(told).toEqual([])
  advance(3 * tellMs)
  // what comes to it later is nothing new
  waits.begin(locked)
  advance(3 * tellMs)
  expect(told.map((each) => each.replace(/^\d+ /, ''))).toEqual([
    'locked its row is locked',
    `other Error: nothing of it was stored for ${tellMs} ms`,
  ])
  const [first, second] = told.map((each) => Number.parseInt(each, 10)) as [number, number]
  expect(first).toBeLessThanOrEqual(latestMs)
  expect(second).toBeLessThanOrEqual(400 + latestMs)
  store(other)
  store(locked)
  expect(told.slice(2)).toEqual([`${time} other goes on`, `${time} locked goes on`])
  advance(lookMs)
  expect(timers).toEqual([])
})

test('[R6.18] a document of which something is stored again and again is in no trouble; where it stops, it is', () => {
  const line = waiting('plan', 10)
  for (let stored = 0; stored < 9; stored++) {
    advance(tellMs - 1)
    store(line)
  }
  expect(told).toEqual([])
  advance(latestMs)
  expect(told).toHaveLength(1)
})

test('[R5.5] what came while a try was under way has waited since then when the try is over', () => {
  const line = waiting('plan')
  waits.tried(line)
  advance(200)
  for (let edit = 0; edit < 3; edit++) {
    line.appended++
    waits.begin(line)
    advance(200)
  }
  advance(200)
  store(line)
  waits.tried(line)
  advance(latestMs - 800)
  expect(told).toHaveLength(1)
})

test('[R5.5] what was in the try itself says nothing of how long the others wait', () => {
  const line = waiting('plan')
  line.appended++
  waits.begin(line)
  waits.tried(line)
  advance(tellMs - 100)
  line.appended++
  waits.begin(line)
  store(line, 2)
  advance(tellMs - 100)
  expect(told).toEqual([])
})

test('[R5.5] while the database is away everybody hears of that; afterwards a document’s time begins anew', () => {
  const line = waiting('locked', 2)
  waits.begin(line)
  isAvailable = false
  advance(10 * tellMs + 100)
  isAvailable = true
  store(line)
  advance(tellMs - lookMs - 1)
  expect(told).toEqual([])
  advance(latestMs)
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

test('[R5.5] a document that failed while it waited is not said to go on: whoever has opened it anew may wait, too', () => {
  const line = waiting('locked')
  advance(latestMs)
  line.fail(new TidemarkError('storage-unavailable'))
  waits.end(line)
  expect(told).toHaveLength(1)
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
