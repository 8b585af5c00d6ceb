import { expect, test } from 'vitest'
import { Coalescer } from './coalescer.ts'

/** Time that goes on when it is told to. */
function handTime() {
  let now = 1_000_000
  let due: { at: number; callback: () => void } | null = null
  return {
    clock: {
      now: () => now,
      random: () => 0.5,
      after(delay: number, callback: () => void) {
        due = { at: now + delay, callback }
        return () => {
          due = null
        }
      },
    },
    /** As a computer's clock that is set. */
    set(time: number) {
      now = time
    },
    pass(ms: number) {
      const end = now + ms
      while (due && due.at <= end) {
        const { at, callback } = due
        now = at
        due = null
        callback()
      }
      now = end
    },
    isIdle: () => due === null,
  }
}

function crowd(size: number, bytes = 100) {
  const time = handTime()
  const people = Array.from({ length: size }, (_, index) => index)
  const sent: { at: number; to: number; message: string }[] = []
  let encoded = 0
  const coalescer = new Coalescer<number, string>(
    {
      recipients: () => people,
      encode(changed) {
        encoded++
        return { message: [...changed].map(([client, clock]) => `${client}:${clock}`).join(), bytes }
      },
      send: (to, message) => sent.push({ at: time.clock.now(), to, message }),
    },
    time.clock,
  )
  return {
    time,
    people,
    sent,
    coalescer,
    encoded: () => encoded,
    to: (person: number) => sent.filter(({ to }) => to === person),
  }
}

test('[R8.6] the first change goes at once; what follows within 50 ms goes together, the last of each person', () => {
  const { time, coalescer, to, encoded } = crowd(3)
  coalescer.changed(1, 1)
  time.pass(0)
  expect(to(0)).toMatchObject([{ message: '1:1' }])
  for (let clock = 2; clock <= 9; clock++) {
    coalescer.changed(1, clock)
    coalescer.changed(2, clock)
    time.pass(5)
  }
  expect(to(0)).toHaveLength(1)
  time.pass(10)
  expect(to(0).map(({ message }) => message)).toEqual(['1:1', '1:9,2:9'])
  expect(to(0)[1]!.at - to(0)[0]!.at).toBe(50)
  expect(encoded()).toBe(2)
  expect(to(2)).toHaveLength(2)
  expect(time.isIdle()).toBe(true)
})

test('[R8.6] nobody gets more than one message in 50 ms, however often people move; and each last word arrives', () => {
  const { time, coalescer, to } = crowd(2)
  for (let ms = 0; ms < 1_000; ms++) {
    coalescer.changed(ms % 7, ms)
    time.pass(1)
  }
  time.pass(100)
  expect(to(1).length).toBeLessThanOrEqual(21)
  const last = new Map(
    to(1).flatMap(({ message }) => message.split(',').map((change) => change.split(':') as [string, string])),
  )
  expect(Object.fromEntries(last)).toEqual(
    Object.fromEntries(Array.from({ length: 7 }, (_, index) => [index, String(999 - ((999 - index) % 7))])),
  )
})

test('[R8.6] many recipients, and much that is said, make the pauses longer', () => {
  const pauseOf = (size: number, bytes: number) => {
    const { time, coalescer, to } = crowd(size, bytes)
    coalescer.changed(1, 1)
    time.pass(0)
    coalescer.changed(1, 2)
    time.pass(60_000)
    const [first, second] = to(0)
    return Math.round(second!.at - first!.at)
  }
  expect(pauseOf(400, 1_000)).toBe(50)
  expect(pauseOf(1_000, 15_000)).toBeLessThan(150)
  // 65 GB a second otherwise
  expect(pauseOf(1_000, 2 ** 20)).toBeGreaterThan(1_000)
})

test('[R8.6] a clock that is set back, and one that is set forward, silence nobody', () => {
  const { time, coalescer, to } = crowd(1)
  coalescer.changed(1, 1)
  time.pass(0)
  time.set(time.clock.now() - 3_600_000)
  coalescer.changed(1, 2)
  time.pass(50)
  expect(to(0)).toHaveLength(2)
  time.set(time.clock.now() + 3_600_000)
  coalescer.changed(1, 3)
  time.pass(1)
  expect(to(0)).toHaveLength(3)
})

test('[R8.6] more than a thousand are written to in several turns, and each gets it once', async () => {
  const { time, coalescer, sent } = crowd(2_500)
  coalescer.changed(1, 1)
  time.pass(0)
  expect(sent).toHaveLength(1_000)
  await expect.poll(() => sent.length).toBe(2_500)
  expect(new Set(sent.map(({ to }) => to)).size).toBe(2_500)
})

test('[R6.10] once closed it sends nothing and leaves no timer', async () => {
  const { time, coalescer, sent } = crowd(2_500)
  coalescer.changed(1, 1)
  time.pass(0)
  coalescer.changed(2, 1)
  coalescer.close()
  coalescer.changed(3, 1)
  expect(time.isIdle()).toBe(true)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(sent).toHaveLength(1_000)
})
