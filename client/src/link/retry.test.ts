import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultRetry, retryDelay } from './retry.ts'

test('the default waits longer after each failure, between half a second and thirty, never all clients at once', () => {
  expect([1, 2, 3, 10].map((failures) => retryDelay(defaultRetry, failures, 0))).toEqual([250, 500, 1_000, 15_000])
  expect([1, 2, 3, 10].map((failures) => Math.ceil(retryDelay(defaultRetry, failures, 0.999_999)))).toEqual([
    500, 1_000, 2_000, 30_000,
  ])
})

test('a schedule of steps is followed, and its last step stays', () => {
  const steps = { kind: 'steps', delays: [1_000, 3_000, 9_000, 27_000, 120_000], jitter: false } as const
  expect([1, 2, 3, 4, 5, 6, 99].map((failures) => retryDelay(steps, failures, 0.5))).toEqual([
    1_000, 3_000, 9_000, 27_000, 120_000, 120_000, 120_000,
  ])
  expect(retryDelay({ kind: 'steps', delays: [], jitter: true }, 1, 0.5)).toBe(0)
})

test('no number of failures makes a delay that is no number', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const delay = retryDelay(defaultRetry, failures, random)
      expect(delay).toBeGreaterThan(0)
      expect(delay).toBeLessThanOrEqual(30_000)
    }),
  )
})

test.each([0, 1, 500])('after any number of failures it waits some time that can be waited (first: %d)', (first) => {
  for (const factor of [0, 0.5, 1, 2, 10]) {
    const schedule = { kind: 'exponential', first, factor, max: 30_000, jitter: true } as const
    for (const failures of [1, 2, 1_000, 5_000]) {
      const delay = retryDelay(schedule, failures, 0.5)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(30_000)
    }
  }
})
