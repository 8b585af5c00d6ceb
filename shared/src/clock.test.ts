import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isDuration, systemClock } from './clock.ts'

const day = 24 * 60 * 60_000

describe('[W5] the system clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const waiting = (delay: number) => {
    const heard = vi.fn<() => void>()
    return { heard, cancel: systemClock.after(delay, heard) }
  }

  test.each([25 * day, 2 ** 31, 2 ** 31 - 1, 60 * day, 365 * day])('waits %d ms, though a timer cannot', (delay) => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const { heard } = waiting(delay)
    vi.advanceTimersByTime(delay - 1)
    expect(heard).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(heard).toHaveBeenCalledOnce()
    for (const [, asked] of set.mock.calls) expect(asked).toBeLessThan(2 ** 31)
  })

  test('waits for ever for Infinity, and holds no timer meanwhile', () => {
    const { heard, cancel } = waiting(Number.POSITIVE_INFINITY)
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(400 * day)
    expect(heard).not.toHaveBeenCalled()
    cancel()
  })

  test('is cancelled at any time', () => {
    const { heard, cancel } = waiting(60 * day)
    vi.advanceTimersByTime(50 * day)
    cancel()
    cancel()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(100 * day)
    expect(heard).not.toHaveBeenCalled()
  })

  test('does not take what is no number for at once', () => {
    expect(() => systemClock.after(Number.NaN, () => {})).toThrow(RangeError)
  })
})

test.each([
  [0, true],
  [1.5, true],
  [Number.POSITIVE_INFINITY, true],
  [-1, false],
  [Number.NaN, false],
  [Number.NEGATIVE_INFINITY, false],
  ['5', false],
  [null, false],
] as const)('[W5] whether %s is a duration: %s', (value, isOne) => {
  expect(isDuration(value)).toBe(isOne)
})
