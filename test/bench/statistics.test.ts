import { describe, expect, it } from 'vitest'
import { median, percentile, ratio, seededRandom, summarise } from './statistics.ts'

const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1)

describe('percentile', () => {
  it('is the nearest rank, so always a value that occurred', () => {
    expect(percentile(oneToHundred, 50)).toBe(50)
    expect(percentile(oneToHundred, 99)).toBe(99)
    expect(percentile(oneToHundred, 100)).toBe(100)
    expect(percentile([10, 1000], 99)).toBe(1000)
    expect(percentile([10, 1000], 50)).toBe(10)
  })
  it('of 0 is the smallest, of nothing is null', () => {
    expect(percentile(oneToHundred, 0)).toBe(1)
    expect(percentile([], 50)).toBeNull()
  })
  it('refuses a percentage that is none', () => {
    expect(() => percentile([1], 101)).toThrow(RangeError)
  })
})

describe('median', () => {
  it('does not mind the order, and is not moved by one wild repeat', () => {
    expect(median([3, 1, 900])).toBe(3)
  })
  it('of an even number is the mean of the middle two, of none is null', () => {
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNull()
  })
  it('sorts by size, not as text', () => {
    expect(median([100, 20, 3])).toBe(20)
  })
})

describe('summarise', () => {
  it('leaves its input as it is', () => {
    const latencies = [3, 1, 2]
    expect(summarise(latencies)).toEqual({ count: 3, p50: 2, p99: 3, max: 3 })
    expect(latencies).toEqual([3, 1, 2])
  })
  it('of nothing is null, not 0 ms', () => {
    expect(summarise([])).toBeNull()
  })
})

describe('ratio', () => {
  it('is null when either side is missing or the base is not above 0', () => {
    expect(ratio(1, 2)).toBe(0.5)
    expect(ratio(null, 2)).toBeNull()
    expect(ratio(1, null)).toBeNull()
    expect(ratio(1, 0)).toBeNull()
    expect(ratio(1, -2)).toBeNull()
  })
})

describe('seededRandom', () => {
  it('repeats itself for a seed, differs between seeds, and fills [0, 1) evenly', () => {
    const first = seededRandom(7)
    const again = seededRandom(7)
    const values = Array.from({ length: 10_000 }, () => first())
    expect(values.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => again()))
    expect(seededRandom(8)()).not.toBe(values[0])
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    for (const tenth of Array.from({ length: 10 }, (_, index) => index / 10)) {
      const share = values.filter((value) => value >= tenth && value < tenth + 0.1).length
      expect(share).toBeGreaterThan(850)
      expect(share).toBeLessThan(1150)
    }
  })
})
