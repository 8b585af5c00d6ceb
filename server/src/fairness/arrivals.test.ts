import { expect, test } from 'vitest'
import { Arrivals } from './arrivals.ts'

function world() {
  const time = { now: 1_000_000 }
  const limits = { requestsPerSecond: 10, newSocketsPerSecond: 3, connections: 4 }
  return { time, arrivals: new Arrivals(limits, () => time.now) }
}

const times = <Result>(count: number, act: () => Result): Result[] => Array.from({ length: count }, act)

test('[W10] an address may come all at once with what ten seconds allow; then as often as a second does', () => {
  const { time, arrivals } = world()
  expect(times(100, () => arrivals.request('a')).every((wait) => wait === 0)).toBe(true)
  expect(arrivals.request('a')).toBe(100)
  expect(arrivals.request('b'), 'another address').toBe(0)
  let served = 0
  for (let ms = 0; ms < 10_000; ms += 10) {
    time.now += 10
    if (arrivals.request('a') === 0) served++
  }
  expect(served, 'refusals are not owed').toBeGreaterThanOrEqual(99)
  expect(served).toBeLessThanOrEqual(101)
})

test('[W10] new sockets have a rate of their own', () => {
  const { arrivals } = world()
  expect(times(31, () => arrivals.socket('a')).filter((wait) => wait === 0)).toHaveLength(30)
  expect(arrivals.request('a')).toBe(0)
})

test('[W10] of connections there are so many at once, and so many a second', () => {
  const { arrivals } = world()
  const open = times(4, () => arrivals.connect('a'))
  expect(open).not.toContain(null)
  expect(arrivals.connect('a')).toBeNull()
  open[0]?.()
  expect(arrivals.connect('a')).not.toBeNull()
  const brief = times(300, () => {
    const left = arrivals.connect('b')
    left?.()
    return left
  })
  expect(brief.filter((left) => left !== null)).toHaveLength(200)
})

test('[W10] the table of addresses is bounded; who is there or came just now is known while there is room', () => {
  const { time, arrivals } = world()
  arrivals.connect('here')
  times(100, () => arrivals.request('here'))
  for (let index = 0; index < 15_000; index++) arrivals.request(`early ${index}`)
  time.now += 11_000
  for (let index = 0; index < 15_000; index++) arrivals.request(`late ${index}`)
  expect(arrivals.size).toBeLessThanOrEqual(15_001)
  times(101, () => arrivals.request('late 7'))
  expect(arrivals.request('late 7')).toBeGreaterThan(0)
  for (let index = 0; index < 50_000; index++) arrivals.request(`flood ${index}`)
  expect(arrivals.size).toBeLessThanOrEqual(20_000)
  for (let left = 3; left > 0; left--) expect(arrivals.connect('here')).not.toBeNull()
  expect(arrivals.connect('here'), 'its connections are counted still').toBeNull()
})

test('[R6.41] what comes on connections known for a while takes other turns than what comes on new ones', () => {
  const { arrivals } = world()
  expect(arrivals.participant('a', true)).not.toBe(arrivals.participant('a', false))
  expect(arrivals.participant('a', true)).toBe(arrivals.participant('a', true))
})
